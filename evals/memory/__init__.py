"""Memory judged: is what a customer once said in the prompt when it is asked for, however long ago it was said?"""

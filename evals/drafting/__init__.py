"""Drafting judged: is every message that the product would write true, polite, short and in the right language?"""

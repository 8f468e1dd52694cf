"""What providers tell us, over signed HTTP: customers' messages, and what became of ours."""

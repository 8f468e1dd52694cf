"""What the built-in model's reading of intents was trained on, and how."""

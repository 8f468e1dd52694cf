"""Injections: what a model that obeys every one of them can make true, and what they cost the customer's own request."""

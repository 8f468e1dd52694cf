"""SendGrid: e-mail out by its SDK, and its webhooks in. What reads webhooks does not load the SDK."""

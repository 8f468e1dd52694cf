"""Who a caller is: passwords, sessions and API keys. Nothing here knows of HTTP."""

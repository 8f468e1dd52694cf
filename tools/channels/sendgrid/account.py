"""What SendGrid's account says of our key and sender, as far as the key may ask."""

import json
from typing import Any


def scopes(body: bytes) -> frozenset[str]:
    """What a key may do (GET /v3/scopes); nothing where that cannot be read."""
    said = _read(body)
    held = said.get("scopes") if isinstance(said, dict) else None
    return frozenset(one for one in held if isinstance(one, str)) if isinstance(held, list) else frozenset()


def is_verified(sender: str, domains: bytes | None, senders: bytes | None) -> bool | None:
    """Whether mail may come from this address: its domain is authenticated, or it is a verified single sender.

    `domains` and `senders` are the answers to GET /v3/whitelabel/domains and /v3/verified_senders, None where the key
    may not ask. None: what the key may see has no such sender, and the rest nobody knows.
    """
    address = sender.lower()
    domain = address.rpartition("@")[2]
    named = [one.get("domain") for one in _entries(domains, None) if one.get("valid") is True]
    if any(
        isinstance(one, str) and (domain == one.lower() or domain.endswith(f".{one.lower()}"))
        for one in named
    ):
        return True
    known = [one.get("from_email") for one in _entries(senders, "results") if one.get("verified") is True]
    if any(isinstance(one, str) and one.lower() == address for one in known):
        return True
    return None if domains is None or senders is None else False


def parse_trouble(settings: bytes, host: str, url: str, shown: str) -> str | None:
    """What Inbound Parse lacks to bring us mail to `host` (GET /v3/user/webhooks/parse/settings); `shown` has no secret."""
    mine = next((one for one in _entries(settings, "result") if one.get("hostname") == host), None)
    if mine is None:
        return f"Nothing takes mail to {host}: in SendGrid, under Settings, Inbound Parse, add it with the URL {shown}."
    if mine.get("url") != url:
        return f"Mail to {host} goes elsewhere: in SendGrid, under Settings, Inbound Parse, set its URL to {shown}."
    if mine.get("send_raw") is not True:
        return (
            f'In SendGrid, under Settings, Inbound Parse, tick "POST the raw, full MIME message" for {host}.'
        )
    return None


_EVENTS = ("delivered", "bounce", "dropped", "spam_report")


def events_trouble(settings: bytes, url: str) -> str | None:
    """What the Event Webhook lacks to tell us what became of mails (GET /v3/user/webhooks/event/settings)."""
    said = _read(settings)
    mine = said if isinstance(said, dict) else {}
    if mine.get("enabled") is not True or mine.get("url") != url:
        return f"Nobody tells us what becomes of mails: in SendGrid, under Mail Settings, Event Webhooks, post to {url}."
    lacking = [name for name in _EVENTS if mine.get(name) is not True]
    return f"In SendGrid's Event Webhook tick {', '.join(lacking)} as well." if lacking else None


def _entries(body: bytes | None, name: str | None) -> list[dict[str, Any]]:
    said = None if body is None else _read(body)
    if name is not None:
        said = said.get(name) if isinstance(said, dict) else None
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None

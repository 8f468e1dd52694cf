"""Forged Twilio webhooks: what somebody could make of a signed one without its secret.

`forgeries(webhook, other)` draws from every kind: another URL, other fields, other encodings, other headers, another
algorithm, and a replay of what was signed for something else. None says what the signed one says, so none may be
accepted. `recuts(webhook)` draws those whose text runs together to what was signed: the signature holds for them, and
the parser has to see that nothing is moved from one field to another.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, quote, quote_plus, urlencode

from hypothesis import strategies as st

SIGNATURE, SETTINGS = "X-Twilio-Signature", "X-Twilio-Webhooks-Signature-Settings"


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request as it goes over the wire: the target under the public base URL, a urlencoded body, two headers."""

    target: str
    body: bytes
    signature: str | None
    settings: str | None = None
    why: str = "signed"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that are there."""
        named = {SIGNATURE: self.signature, SETTINGS: self.settings}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        return form | {name: value for name, value in named.items() if value is not None}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The fields in their order."""
        return parse_qsl(self.body.decode("utf-8"), keep_blank_values=True)

    def with_pairs(self, pairs: Sequence[tuple[str, str]], why: str) -> "Webhook":
        """The same with other fields."""
        return replace(self, body=urlencode(pairs).encode(), why=why)

    def runs_together(self) -> str:
        """What is signed of it, as Twilio defines it: the URL, then the fields by name, duplicates once."""
        try:
            fields = sorted(set(self.pairs))
        except UnicodeDecodeError:
            return self.target + repr(self.body)
        # An empty query is none (the SDK says so): both name the same resource.
        return self.target.rstrip("?") + "".join(name + value for name, value in fields)


def forgeries(webhook: Webhook, other: Webhook) -> st.SearchStrategy[Webhook]:
    """Forgeries of `webhook`; `other` is one that was truly signed, with the same secret, for another URL and form."""
    kinds: list[Callable[[Webhook], st.SearchStrategy[Webhook]]] = [
        _urls,
        _fields,
        _bytes,
        _signatures,
        _settings,
    ]
    replayed = st.sampled_from([
        replace(webhook, signature=other.signature, why="another's signature"),
        replace(other, signature=webhook.signature, why="this signature on another"),
        replace(webhook, target=other.target, why="at another endpoint"),
        replace(webhook, body=other.body, why="another's body"),
    ])  # fmt: skip
    signed = {(one.runs_together(), one.signature, one.settings) for one in (webhook, other)}
    return st.one_of(replayed, *(kind(webhook) for kind in kinds)).filter(
        lambda forged: (forged.runs_together(), forged.signature, forged.settings) not in signed
    )


def recuts(webhook: Webhook) -> st.SearchStrategy[Webhook]:
    """The same text run together, cut into other names and values, or with the URL's end as a part of a name."""
    pairs = sorted(set(webhook.pairs))

    def moved(where: tuple[int, int]) -> Webhook:
        at, by = where
        (name, value), (next_name, next_value) = pairs[at], pairs[at + 1]
        text = name + value + next_name
        cut = max(1, min(len(name) + by, len(text)))
        first = (text[: len(name)], text[len(name) : cut]) if cut > len(name) else (text[:cut], "")
        second = (text[cut:], next_value) if cut < len(text) else ("", "")
        kept = [*pairs[:at], first, *([second] if any(second) else [("", next_value)]), *pairs[at + 2 :]]
        return webhook.with_pairs(kept, "cut anew")

    def shortened(by: int) -> Webhook:
        name, value = pairs[0]
        kept = [(webhook.target[-by:] + name, value), *pairs[1:]]
        return replace(webhook.with_pairs(kept, "the URL's end in a name"), target=webhook.target[:-by])

    def merged(at: int) -> Webhook:
        (name, value), (next_name, next_value) = pairs[at], pairs[at + 1]
        return webhook.with_pairs(
            [*pairs[:at], (name, value + next_name + next_value), *pairs[at + 2 :]], "two fields in one"
        )

    between = st.integers(0, len(pairs) - 2)
    return st.one_of(
        st.tuples(between, st.integers(-8, 40)).map(moved),
        st.integers(1, min(9, len(webhook.target) - 1)).map(shortened),
        between.map(merged),
    ).filter(lambda cut: cut.runs_together() == webhook.runs_together() and cut.pairs != webhook.pairs)


def _urls(webhook: Webhook) -> st.SearchStrategy[Webhook]:
    target = webhook.target
    path, _, query = target.partition("?")
    made = [
        path + "/", path.rstrip("/") + "//", path.upper(), "/" + path, f"{path}?{query}&key=9", f"{path}?key=9", path + "?",
        f"{path}?{query}x", f"{path}/..{path}", path[:-1] + quote(path[-1]).replace(path[-1], f"%{ord(path[-1]):02X}"),
        f"{path};x=1", f"{path};?{query}", f"{path};", f"{path}?{quote(query)}", f"{path}?bodySHA256={hashlib.sha256(webhook.body).hexdigest()}",
        f"@evil.example{path}", f":8443{path}", f"{path}#x?{query}",
    ]  # fmt: skip
    inserted = st.tuples(st.integers(1, len(target)), st.sampled_from("abcXYZ019-._~%&=;+")).map(
        lambda cut: target[: cut[0]] + cut[1] + target[cut[0] :]
    )
    return (st.sampled_from(made) | inserted).map(lambda url: replace(webhook, target=url, why="another URL"))


def _fields(webhook: Webhook) -> st.SearchStrategy[Webhook]:
    pairs = webhook.pairs
    places = st.integers(0, len(pairs) - 1)
    texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

    def changed(at: int, value: str) -> Webhook:
        return webhook.with_pairs([*pairs[:at], (pairs[at][0], value), *pairs[at + 1 :]], "another value")

    def swapped(at: int, to: int) -> Webhook:
        mixed = list(pairs)
        mixed[at], mixed[to] = (pairs[at][0], pairs[to][1]), (pairs[to][0], pairs[at][1])
        return webhook.with_pairs(mixed, "values exchanged")

    return st.one_of(
        st.builds(changed, places, texts),
        st.builds(swapped, places, places),
        places.map(lambda at: webhook.with_pairs([*pairs[:at], *pairs[at + 1 :]], "a field less")),
        st.builds(
            lambda name, value: webhook.with_pairs([*pairs, (name, value)], "a field more"), texts, texts
        ),
        st.builds(
            lambda at, value: webhook.with_pairs([*pairs, (pairs[at][0], value)], "a field twice"),
            places,
            texts,
        ),
        places.map(
            lambda at: webhook.with_pairs(
                [*pairs[:at], (pairs[at][0].swapcase(), pairs[at][1]), *pairs[at + 1 :]], "a name's case"
            )
        ),
        places.map(lambda at: changed(at, pairs[at][1] + " ")),
        places.map(lambda at: changed(at, pairs[at][1].strip()[:-1])),
    )


def _bytes(webhook: Webhook) -> st.SearchStrategy[Webhook]:
    body, pairs = webhook.body, webhook.pairs
    latin = "&".join(f"{n}={quote_plus(v, encoding='cp1252', errors='replace')}" for n, v in pairs)
    made = [
        b"\xef\xbb\xbf" + body, body + b"\x00", body.decode().encode("utf-16"), quote(body).encode(), b"",
        body + b"&Body=%FF%FE", body + b"&%", body.replace(b"&", b";"), body.replace(b"%2B", b"+"), latin.encode(),
        body + b"&x=%C0%AF", body + b"&x=%ED%A0%80", b"{}", body[: len(body) // 2], body + b"&" + b"a=1&" * 300,
    ]  # fmt: skip
    flipped = st.tuples(st.integers(0, len(body) - 1), st.integers(1, 255)).map(
        lambda flip: body[: flip[0]] + bytes([body[flip[0]] ^ flip[1]]) + body[flip[0] + 1 :]
    )
    return (st.sampled_from(made) | flipped | st.binary(max_size=200)).map(
        lambda one: replace(webhook, body=one, why="other bytes")
    )


def _signatures(webhook: Webhook) -> st.SearchStrategy[Webhook]:
    true = webhook.signature or ""
    text = ("https://testserver" + webhook.runs_together()).encode()
    own = [
        base64.b64encode(hmac.new(secret, text, how).digest()).decode()
        for secret in (b"", b"guess", b"None", webhook.target.encode())
        for how in (hashlib.sha1, hashlib.sha256, hashlib.md5)
    ]
    made = [
        None, "", " ", "=", true[:-1], true + "=", " " + true, true + " ", true.lower(), true.swapcase(), true[::-1], true * 2,
        f"{true},{true}", f"sha1={true}", true.rstrip("="), "a" * len(true), "\x00" * len(true), "é" * len(true), "A" * 10_000,
        base64.b64encode(base64.b64decode(true)[::-1]).decode(), *own,
    ]  # fmt: skip
    flipped = st.tuples(st.integers(0, len(true) - 1), st.sampled_from("ABCxyz019+/=")).map(
        lambda flip: true[: flip[0]] + flip[1] + true[flip[0] + 1 :]
    )
    printable = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
    return (st.sampled_from(made) | flipped | printable).map(
        lambda one: replace(webhook, signature=one, why="another signature")
    )


def _settings(webhook: Webhook) -> st.SearchStrategy[Webhook]:
    """Another algorithm or key than the webhook was signed with; for a SHA-1 webhook, settings that name SHA-256."""
    key = (webhook.settings or "").partition("=")[2].partition(",")[0]
    stronger = [
        "key=,algorithm=HMAC_SHA256", "algorithm=HMAC_SHA256", "key=other,algorithm=HMAC_SHA256", "algorithm=HMAC_MD5",
        "algorithm=none", f"key={key},algorithm=NONE", f"key={key}x,algorithm=HMAC_SHA256", "algorithm=HMAC_SHA512",
    ]  # fmt: skip
    weaker = [
        None, "", "key", "algorithm=", "algorithm=HMAC_SHA1", f"key={key},algorithm=HMAC_SHA1", f"key={key}", "\x00", "é=ü",
        f"key={key},algorithm=HMAC_SHA1,algorithm=HMAC_SHA256", f"key=x,key={key},algorithm=HMAC_SHA256",
    ]  # fmt: skip
    values = st.sampled_from(stronger + (weaker if webhook.settings else []))
    return values.map(lambda one: replace(webhook, settings=one, why="another algorithm or key"))

"""Bytes to text, whatever the label says: labels of mails are often missing, wrong or too narrow."""

import codecs

# Text encodings that mails really use. Others that Python knows evaluate escapes or take quadratic time (idna).
_KNOWN = (
    "utf",
    "iso8859",
    "cp",
    "koi8",
    "gb",
    "big5",
    "euc",
    "shift_jis",
    "iso2022",
    "mac",
    "hz",
    "tis",
    "ascii",
)
# As WHATWG reads them: the wider set that senders mean when they name the narrower one.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "hz": "hz", "iso8859-1": "cp1252", "ascii": "cp1252",
          "euc_kr": "cp949", "shift_jis": "cp932"}  # fmt: skip
_ALIASES = {"ks_c_5601-1987": "cp949", "x-sjis": "cp932", "x-gbk": "gb18030", "unicode-1-1-utf-8": "utf-8"}


def decode(data: bytes, label: str | None) -> tuple[str, bool]:
    """The text, without NULs and other control characters, and whether every byte could be read.

    Bytes that are valid UTF-8 beyond ASCII are UTF-8 whatever single-byte set the label names; a label that does
    not fit or is unknown gives way to UTF-8, then to cp1252.
    """
    name = _codec(label)
    multibyte = name is not None and name.startswith(("utf", "gb", "big5", "euc", "cp9", "iso2022", "hz"))
    for candidate in (name, "utf-8") if multibyte else ("utf-8", name):
        if candidate is not None:
            try:
                return _printable(data.decode(candidate)), True
            except UnicodeError:
                continue
    read = data.decode(name if multibyte and name is not None else "cp1252", "replace")
    if name == "utf-8" and read.count("\ufffd") > sum(letter > "\x7f" for letter in read) / 2:
        read = data.decode("cp1252", "replace")  # mostly wrong: a wrong label, not a text cut within a letter
    return _printable(read), False


def _codec(label: str | None) -> str | None:
    label = (label or "").strip().strip("\"'").lower()[:40]
    try:
        name = codecs.lookup(_ALIASES.get(label, label)).name
    except (LookupError, ValueError):
        return None
    # utf-7 is refused everywhere: it can hide markup.
    return _WIDER.get(name, name) if name.startswith(_KNOWN) and name != "utf-7" else None


_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127, 0xFEFF, 0xFFFE])


def _printable(text: str) -> str:
    """One kind of line end; Postgres takes no NUL, lone surrogates are no characters, and a log or screen obeys no controls."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_CONTROLS)
    return text.encode("utf-8", "replace").decode("utf-8")

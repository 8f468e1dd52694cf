"""Let the server's user through to its folder, and nobody else.

Root's folders are closed (`/root`, a temporary folder), and the server cannot run as root. Opening them with
`chmod o+x` would open them to every user of the machine; an access control list lets one user pass through.
"""

import os
import struct
from pathlib import Path

from server.embedded.account import Account
from tools.errors import Misconfigured

# The on-disk form of a POSIX access control list: a version, then (tag, permissions, id) for each entry.
_ATTRIBUTE, _HEADER, _ENTRY = "system.posix_acl_access", struct.pack("<I", 2), struct.Struct("<HHI")
_OWNER, _USER, _GROUP, _MASK, _OTHERS = 0x01, 0x02, 0x04, 0x10, 0x20
_NO_ID, _PASS = 0xFFFFFFFF, 0o1


def admit(account: Account, folder: Path) -> None:
    """`account` may enter `folder`; where that cannot be arranged, Misconfigured says what to do instead."""
    for place in (*reversed(folder.parents), folder):
        if account.reaches(place):
            continue
        try:
            os.setxattr(place, _ATTRIBUTE, _let_through(place, account.uid))
        except (OSError, AttributeError):  # no such right, no such file system, no such operating system
            break
    if not account.reaches(folder):
        raise Misconfigured(
            f"Postgres does not run as root, and the user {account.name!r} that it runs as may not enter {folder}; set "
            "DUNWELL_DATA_DIR to a folder that every user may reach, such as /var/lib/dunwell, or do not run as root."
        )


def _let_through(place: Path, uid: int) -> bytes:
    """The access control list of `place` with one more right: `uid` may pass."""
    entries = {(tag, identity): permissions for tag, permissions, identity in _entries(place)}
    entries[_USER, uid] = entries.get((_USER, uid), 0) | _PASS
    # The mask caps what users and groups named here get; it must let our right through and no other grow.
    entries[_MASK, _NO_ID] = entries.get((_MASK, _NO_ID), entries[_GROUP, _NO_ID]) | _PASS
    return _HEADER + b"".join(
        _ENTRY.pack(tag, entries[tag, identity], identity) for tag, identity in sorted(entries)
    )


def _entries(place: Path) -> list[tuple[int, int, int]]:
    try:
        stored = os.getxattr(place, _ATTRIBUTE)[len(_HEADER) :]
    except OSError:
        mode = place.stat().st_mode  # no list yet: the mode says the same
        return [
            (_OWNER, mode >> 6 & 0o7, _NO_ID),
            (_GROUP, mode >> 3 & 0o7, _NO_ID),
            (_OTHERS, mode & 0o7, _NO_ID),
        ]
    return list(_ENTRY.iter_unpack(stored))

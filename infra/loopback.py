"""Bring up the loopback of the present network namespace; fail unless it is the only way out and carries TCP."""

import fcntl
import socket
import struct
import sys

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 0x1


def main() -> int:
    """Exit code 0 when a connection to 127.0.0.1 works and no other interface exists."""
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        print(f"not an empty network namespace: {', '.join(others)}", file=sys.stderr)
        return 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(control, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), timeout=2),
    ):
        return 0


if __name__ == "__main__":
    sys.exit(main())

"""Listening sockets: binding them, naming them, and ending them without a reset.

Only the socket calls that asyncio and uvicorn leave out live here.
"""

import contextlib
import ctypes
import socket
import stat
import struct
import sys
from pathlib import Path

_SO_ATTACH_FILTER = 26  # linux/socket.h; the standard library lacks it
_BPF_RETURN_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)  # BPF_RET | BPF_K, 0: drop the packet


def listen_tcp(host: str, port: int) -> socket.socket:
    """Bind a TCP socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family)


def listen_unix(path: str) -> socket.socket:
    """Bind a Unix socket, in place of one that a killed process left behind."""
    listener = socket.socket(socket.AF_UNIX)
    try:
        if _is_abandoned(path):
            remove(path)
        listener.bind(path)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(listener: socket.socket) -> str:
    """Name a listener: `http://host:port` or `unix:path`."""
    name = listener.getsockname()
    if isinstance(name, str):
        return f"unix:{name}"
    host, port = name[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def stop_listening(listener: socket.socket) -> None:
    """Let no more connections into the queue, so that it can be emptied and closed.

    A connection that enters between the last accept and the close would be reset by the kernel.
    On Linux a packet filter drops the handshake, and the client's next try is refused; elsewhere
    that moment stays.
    """
    name = listener.getsockname()
    if isinstance(name, str):
        remove(name)
    elif sys.platform == "linux":
        program = ctypes.create_string_buffer(_BPF_RETURN_NOTHING)
        fprog = struct.pack("HP", 1, ctypes.addressof(program))
        with contextlib.suppress(OSError):  # a sandboxed kernel may not know filters
            listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)


def remove(path: str) -> None:
    """Take a Unix socket's name away."""
    Path(path).unlink(missing_ok=True)


def _is_abandoned(path: str) -> bool:
    try:
        if not stat.S_ISSOCK(Path(path).stat().st_mode):
            return False
    except FileNotFoundError:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) != 0

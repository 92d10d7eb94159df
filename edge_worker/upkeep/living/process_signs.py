"""Signs of life of child processes: the messages of sd_notify(3), as systemd would receive them."""

import os
import socket
import struct
from collections.abc import Iterator
from typing import Final

_CREDENTIALS: Final = struct.Struct("3i")
"""Process, user and group of a sender, which the kernel vouches for."""
_LONGEST: Final = 4096


class ProcessSigns:
    """The socket to which child processes that are started with `environ` say that they work."""

    def __init__(self, within_s: float) -> None:
        """Tell them to say so within so many seconds."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind("")  # a new name in the abstract name space: no file is left behind
        self._socket.setblocking(False)
        name = os.fsdecode(self._socket.getsockname()[1:])
        self.environ: Final = {"NOTIFY_SOCKET": f"@{name}", "WATCHDOG_USEC": str(round(within_s * 1e6))}

    def receive(self) -> Iterator[tuple[int, list[str]]]:
        """Yield what came since the last call: the id of a process, and the lines of its message."""
        while True:
            try:
                message, credentials, *_ = self._socket.recvmsg(
                    _LONGEST, socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except BlockingIOError:
                return
            for _, _, content in credentials:
                pid, _, _ = _CREDENTIALS.unpack(content)
                yield pid, message.decode(errors="replace").splitlines()

    def close(self) -> None:
        """Give the name back."""
        self._socket.close()

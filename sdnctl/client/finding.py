"""Is a controller running for this network, and where?

The socket of the folder is tried; one that nobody listens at was left by a controller that was killed, and is
taken for none. Somebody who names a controller wants that one or an error.
"""

from __future__ import annotations

import errno
import hashlib
import os
import socket
from pathlib import Path

from sdnctl.errors import Diagnostic, InputError

SOCKET = Path(".sdnctl", "controller.sock")
PATIENCE = 5.0
"""Seconds to wait for a controller that is there to accept a connection."""
_LONGEST = 100  # octets of an address, with some to spare (108 in unix(7))
_FULL = frozenset((errno.EAGAIN, errno.EINTR))  # it is there, and busy


def find_socket(folder: Path) -> Path | None:
    """The socket of a folder if a controller listens there now; raises InputError when it may not be asked."""
    path = (folder / SOCKET).absolute()
    return path if path.exists() and listening(path) else None  # a link may lead to one that is gone


def listening(path: Path) -> bool:
    """Whether somebody listens at a socket; raises InputError when that is not for us to know."""
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(PATIENCE)
    try:
        probe.connect(reachable(path))
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise InputError(
                Diagnostic(
                    "controller-forbidden",
                    "a controller runs here, and its socket is not for you",
                    address=f"controller {path}",
                    detail=error.strerror or "",
                    hint="run the command as the controller's user, or name it with --controller and a token",
                )
            ) from error
        return error.errno in _FULL or isinstance(error, TimeoutError)
    finally:
        probe.close()
    return True


_folders: dict[Path, int] = {}  # folders of long paths, open for as long as the process lives


def reachable(path: Path) -> str:
    """A path to a socket that fits an address, however long the real one is."""
    text = str(path.absolute())
    if len(os.fsencode(text)) <= _LONGEST:
        return text
    folder = path.absolute().parent
    if folder not in _folders:
        _folders[folder] = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    return f"/proc/self/fd/{_folders[folder]}/{path.name}"


def fingerprint(store_url: str) -> str:
    """What tells one store from another without giving its password away."""
    return hashlib.sha256(store_url.encode()).hexdigest()[:16]


def token_from_environment() -> str | None:
    """``SDNCTL_TOKEN``: a token, or ``file:PATH`` of one; raises InputError for a file that cannot be read."""
    text = os.environ.get("SDNCTL_TOKEN", "").strip()
    if not text.startswith("file:"):
        return text or None
    path = Path(text.removeprefix("file:"))
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            Diagnostic(
                "token-unreadable",
                f"the token file {path} cannot be read",
                address="SDNCTL_TOKEN",
                detail=str(error),
                hint="`sdnctl controller token add NAME` shows a token once; put it into that file",
            )
        ) from error

"""Where the API listens: a Unix socket of the network folder, or an address of this machine.

A socket file outlives a killed process. Who holds the lock beside it is the one controller that may serve it, so
it removes what it finds there without asking; who does not get the lock leaves everything as it is.
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sdnctl.client.finding import listening
from sdnctl.errors import Diagnostic, InputError

NAME = "controller.sock"
MODE = 0o660  # for the owner and the group of the folder; who may do what is decided by uid and token


class Taken(Exception):
    """Another controller serves this socket."""


def default_path(folder: Path) -> Path:
    """The socket of a network folder."""
    return folder.absolute() / ".sdnctl" / NAME


@contextmanager
def unix_socket(path: Path) -> Iterator[socket.socket]:
    """A bound Unix socket that is gone afterwards; raises Taken, and InputError where none can be made.

    A path may be longer than the 108 octets of an address: its folder is opened, and the address given through it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise _unusable(str(path), error) from error
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    lock, bound = -1, 0
    try:
        try:
            lock = _lock(path)
            if path.is_symlink() and _alive(path):  # a controller that listens elsewhere is found here
                raise Taken
            _remove_socket(path)
            with _umask(0o777 & ~MODE):
                sock.bind(f"/proc/self/fd/{folder}/{path.name}")
            bound = path.lstat().st_ino
        except OSError as error:
            raise _unusable(str(path), error) from error
        yield sock
    finally:
        with suppress(OSError):
            if bound and path.lstat().st_ino == bound:  # not what somebody else put there since
                _remove_socket(path)
        sock.close()
        for descriptor in (lock, folder):
            if descriptor >= 0:
                os.close(descriptor)


def _lock(path: Path) -> int:
    """Hold the lock beside a socket for as long as the returned descriptor is open."""
    descriptor = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Taken from None
    return descriptor


def _remove_socket(path: Path) -> None:
    """Remove a socket, or a link to one; anything else that has the name stays, and binding says so."""
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISSOCK(mode) or stat.S_ISLNK(mode):
            path.unlink()


@contextmanager
def _umask(mask: int) -> Iterator[None]:
    """So that the socket never has more permissions than it should, not even for a moment."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


class Pointer:
    """A link in the network folder to a socket that is elsewhere, so that the command line finds it there."""

    def __init__(self, folder: Path, path: Path) -> None:
        self._link = default_path(folder)
        self._path = path.absolute()

    def claim(self, *, master: bool) -> None:
        """Let the link lead here, unless another controller is found there: a standby waits until that is gone.

        The master takes a link over from a controller that lives, because changes are asked of the master; a
        socket that another one made itself stays. A folder that cannot be written is no error:
        `--controller unix:PATH` finds the socket all the same.
        """
        if self._link == self._path or self._ours():
            return
        if not master and _alive(self._link):
            return
        made = self._link.with_name(f"{NAME}.{os.getpid()}")
        lock = -1
        with suppress(OSError, Taken):
            self._link.parent.mkdir(parents=True, exist_ok=True)
            lock = _lock(self._link)  # Taken: its holder has made a socket there, or is about to
            _remove_socket(made)
            made.symlink_to(self._path)
            made.replace(self._link)
        if lock >= 0:
            os.close(lock)

    def remove(self) -> None:
        """Take the link away, if it leads here."""
        with suppress(OSError):
            if self._ours():
                self._link.unlink()

    def _ours(self) -> bool:
        try:
            return self._link.is_symlink() and self._link.readlink() == self._path
        except OSError:  # gone in between
            return False


@contextmanager
def pointer(folder: Path, path: Path) -> Iterator[Pointer]:
    """A `Pointer` that is claimed where nobody else is found, and removed afterwards where it is ours."""
    made = Pointer(folder, path)
    made.claim(master=False)
    try:
        yield made
    finally:
        made.remove()


def _alive(path: Path) -> bool:
    """Whether somebody listens at a socket, or at what a link leads to."""
    try:
        return path.exists() and listening(path)
    except (InputError, OSError):  # of another user: it is there
        return True


def tcp_socket(address: str) -> socket.socket:
    """A bound socket for ``127.0.0.1:PORT``, ``[::1]:PORT``, ``HOST:PORT``; raises InputError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not (port.isascii() and port.isdigit() and int(port) < 65536 and host):
        raise InputError(
            Diagnostic(
                "bad-address",
                f"the API cannot listen at {address!r}",
                address="controller api",
                hint="write unix:PATH or 127.0.0.1:PORT",
            )
        )
    try:
        found = socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, where = found[0]
        sock = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _unusable(address, error) from error
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
    except OSError as error:
        sock.close()
        raise _unusable(address, error) from error
    return sock


def is_local(sock: socket.socket) -> bool:
    """Whether only this machine can reach a bound socket."""
    if sock.family == socket.AF_UNIX:
        return True
    return ipaddress.ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback


def _unusable(where: str, error: OSError) -> InputError:
    return InputError(
        Diagnostic(
            "api-unusable",
            f"the API cannot listen at {where}",
            address="controller api",
            detail=error.strerror or str(error),
            hint="choose another place with --api, or `controller: {api: …}` in network.yaml",
        )
    )

"""Network namespaces: make and remove them, run a call inside one, shut and open interfaces.

A thread can live in another network namespace than its process (setns(2)), and a socket stays in the
namespace it was made in. So a short-lived thread makes sockets there and everybody may use them afterwards.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import re
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from sdnctl.errors import DeviceError, Diagnostic

T = TypeVar("T")

NETNS_DIR = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCETHTOOL = 0x8913, 0x8914, 0x8946
_IFF_UP = 0x1
_ETHTOOL_STXCSUM = 0x17
_SBIN = ("/usr/local/sbin", "/usr/sbin", "/sbin")


def program(name: str) -> str | None:
    """Path of a program; system directories are searched even where PATH lacks them."""
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(_SBIN))


def call(arguments: Sequence[str], *, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end and return what it printed; raises DeviceError with its complaint."""
    path = program(arguments[0]) or arguments[0]
    environment = {**os.environ, "LC_ALL": "C", **(env or {})}
    try:
        done = subprocess.run(
            [path, *arguments[1:]],
            input=stdin if stdin is not None else "",
            text=True,
            capture_output=True,
            env=environment,
            check=False,
            timeout=120,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DeviceError(Diagnostic("lab-command", f"cannot run {arguments[0]}", detail=str(error))) from None
    if done.returncode:
        complaint = "; ".join(done.stderr.strip().splitlines()[:5]) or f"exit status {done.returncode}"
        shown = " ".join(arguments)
        raise DeviceError(
            Diagnostic("lab-command", f"'{shown[:120]}{'…' if len(shown) > 120 else ''}' failed", detail=complaint)
        )
    return done.stdout


def exists(name: str) -> bool:
    return bool(name) and (NETNS_DIR / name).exists()


def create(name: str) -> None:
    """Make a namespace without IPv6, so that no interface in it sends anything of its own accord."""
    call(["ip", "netns", "add", name])

    def quiet() -> None:
        for scope in ("all", "default"):
            setting = Path(f"/proc/sys/net/ipv6/conf/{scope}/disable_ipv6")
            if setting.exists():  # a kernel without IPv6 has nothing to switch off
                setting.write_text("1")

    inside(name, quiet)


def delete(name: str) -> None:
    """Remove a namespace with all its interfaces; one that does not exist is fine."""
    if exists(name):
        call(["ip", "netns", "del", name])


def batch(name: str, lines: Iterable[str]) -> None:
    """Run many ``ip`` commands in a namespace by one process; an error names the one that failed."""
    commands = list(lines)
    if not commands:
        return
    try:
        call(["ip", "-n", name, "-batch", "-"], stdin="\n".join(commands) + "\n")
    except DeviceError as error:
        failed = re.search(r"Command failed -:(\d+)", str(error))
        if failed is None:
            raise
        command = f"ip {commands[int(failed[1]) - 1]}"
        reason = error.diagnostics[0].detail.partition(";")[0]
        raise DeviceError(Diagnostic("lab-command", f"'{command}' failed", detail=reason)) from None


def pids(name: str) -> list[int]:
    """Processes whose main thread is in the namespace."""
    return [int(pid) for pid in call(["ip", "netns", "pids", name]).split()] if exists(name) else []


def inside(name: str, function: Callable[[], T]) -> T:
    """Call `function` in a thread of the namespace and return its result; its exceptions come through."""
    results: list[T] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            _enter(name)
            results.append(function())
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=work, name=f"netns {name}")
    thread.start()
    thread.join()
    if errors:
        raise errors[0]
    return results[0]


def _enter(name: str) -> None:
    """Move the calling thread; os.setns came with Python 3.12 only."""
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        handle = os.open(NETNS_DIR / name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise DeviceError(
            Diagnostic(
                "lab-namespace",
                f"network namespace {name} cannot be entered: {error.strerror}",
                hint="labs on Open vSwitch need root; after a reboot: 'sdnctl lab down', then 'sdnctl lab up'",
            )
        ) from None
    try:
        if libc.setns(handle, _CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise DeviceError(
                Diagnostic(
                    "lab-namespace",
                    f"network namespace {name} cannot be entered: {os.strerror(code)}",
                    hint="labs on Open vSwitch need root",
                )
            )
    finally:
        os.close(handle)


class Interfaces:
    """Shuts and opens the interfaces of one namespace by ioctl: microseconds, no process per call."""

    def __init__(self, namespace: str) -> None:
        self._namespace = namespace
        self._socket = inside(namespace, lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))

    def set_up(self, name: str, up: bool) -> None:
        """Open or shut one interface; raises DeviceError if it does not exist."""
        request = bytearray(struct.pack("16sH22x", name.encode(), 0))
        try:
            fcntl.ioctl(self._socket, _SIOCGIFFLAGS, request)
            flags = struct.unpack_from("H", request, 16)[0]
            struct.pack_into("H", request, 16, flags | _IFF_UP if up else flags & ~_IFF_UP)
            fcntl.ioctl(self._socket, _SIOCSIFFLAGS, request)
        except OSError as error:
            raise DeviceError(
                Diagnostic(
                    "lab-interface", f"interface {name} cannot be {'opened' if up else 'shut'}: {error.strerror}"
                )
            ) from None

    def is_up(self, name: str) -> bool:
        request = bytearray(struct.pack("16sH22x", name.encode(), 0))
        fcntl.ioctl(self._socket, _SIOCGIFFLAGS, request)
        return bool(struct.unpack_from("H", request, 16)[0] & _IFF_UP)

    def no_tx_offload(self, name: str) -> None:
        """``ethtool -K NAME tx off``: else TCP of a real host leaves with checksums nobody fills in."""
        value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_STXCSUM, 0))
        request = struct.pack("16sP16x", name.encode(), ctypes.addressof(value))
        fcntl.ioctl(self._socket, _SIOCETHTOOL, request)

    def packets(self) -> dict[str, tuple[int, int]]:
        """Packets received and sent by each interface of the namespace since it was made."""
        text = inside(self._namespace, Path("/proc/thread-self/net/dev").read_text)
        counts = {}
        for line in text.splitlines()[2:]:
            name, _, rest = line.partition(":")
            fields = rest.split()
            counts[name.strip()] = (int(fields[1]), int(fields[9]))
        return counts

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Interfaces:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

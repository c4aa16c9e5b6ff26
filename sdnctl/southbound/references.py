"""Secrets by reference, kept out of every text; and keys of SSH servers, compared with those that are known.

A driver's options hold ``env:NAME`` or ``file:PATH``, never a secret. `resolve` reads what is behind one when a
device is opened; `scrub` takes it out of whatever a library says. A server's key is accepted only if it is the one
that the inventory names, as ``SHA256:…`` (what ``ssh-keygen -lf`` prints) or in a file of OpenSSH's known_hosts
format.
"""

from __future__ import annotations

import base64
import binascii
import fnmatch
import hashlib
import hmac
import json
import os
import re
import traceback
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pydantic import SecretStr

from sdnctl.errors import DeviceError, Diagnostic, SdnctlError
from sdnctl.southbound.base import Target

E = TypeVar("E", bound=SdnctlError)
MASK = "[secret]"
SECRET_OPTIONS = ("password", "enable", "community", "auth_key", "privacy_key", "passphrase")
"""Options whose value is a reference to a secret. `key` refers to a file that is read by path."""
LARGEST = 65_536
"""Octets: a larger file is no secret."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?")


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────


def resolve(reference: str, *, device: str, option: str) -> SecretStr:
    """What stands behind ``env:NAME`` or ``file:PATH`` (without the line break at its end).

    Raises DeviceError that names device, option and what was looked for; a value that is no reference might be
    the secret itself and is not repeated.
    """
    scheme, _, name = reference.partition(":")
    address = f"device {device}, option {option}"
    if scheme == "env" and _NAME.fullmatch(name):
        value = os.environ.get(name)
        if not value:
            raise DeviceError(
                Diagnostic(
                    "secret-missing",
                    f"the environment variable {name} is not set, or empty",
                    address,
                    hint=f"export {name} where sdnctl runs",
                )
            )
        return SecretStr(value)
    if scheme == "file" and name:
        return SecretStr(_read(Path(name), address))
    raise DeviceError(
        Diagnostic(
            "secret-in-clear",
            f"{option} is not a reference to a secret",
            address,
            detail="its value is not shown, because it may be the secret itself",
            hint="write env:NAME or file:PATH",
        )
    )


def optional(target: Target, option: str) -> SecretStr | None:
    """The secret that an option of a target refers to, None where it has no such option."""
    reference = target.options.get(option)
    return None if reference is None else resolve(reference, device=target.device, option=option)


def file_of(target: Target, option: str) -> Path | None:
    """The file that an option such as `key` refers to (``file:PATH``), for libraries that want a path.

    Raises DeviceError where it refers to something else or cannot be read.
    """
    reference = target.options.get(option)
    if reference is None:
        return None
    scheme, _, name = reference.partition(":")
    address = f"device {target.device}, option {option}"
    if scheme != "file" or not name:
        raise DeviceError(
            Diagnostic("secret-in-clear", f"{option} does not refer to a file", address, hint="write file:PATH")
        )
    _read(Path(name), address)
    return Path(name)


def _read(path: Path, address: str) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise OSError(f"it has more than {LARGEST} octets")
        text = data.decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        if isinstance(error, UnicodeDecodeError):
            reason = "it is not UTF-8 text"  # the error's own text would show octets of it
        raise DeviceError(Diagnostic("secret-missing", f"{path} cannot be read", address, detail=reason)) from None
    if not text:
        raise DeviceError(Diagnostic("secret-missing", f"{path} is empty", address))
    return text


def scrub(text: str, secrets: Iterable[SecretStr | str | None]) -> str:
    """A text without these secrets, in whatever form a library may have quoted them."""
    forms: set[str] = set()
    for secret in secrets:
        clear = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        if clear:
            octets = clear.encode("utf-8", "surrogateescape")
            forms |= {
                clear,
                repr(clear)[1:-1],
                repr(octets)[2:-1],
                base64.b64encode(octets).decode(),
                octets.hex(),
            }
            forms |= {json.dumps(clear, ensure_ascii=one)[1:-1] for one in (True, False)}
            forms |= {quote(clear, safe="", errors="surrogateescape"), quote(clear, errors="surrogateescape")}
            forms |= {line for line in clear.splitlines() if len(line) > 8}  # of keys
    for form in sorted(forms, key=len, reverse=True):  # longest first: one may be in another
        text = text.replace(form, MASK)
    return text


def secrets_of(target: Target) -> tuple[SecretStr, ...]:
    """Every secret that a device's options refer to and that can be read now: what its driver may have used."""
    found: list[SecretStr] = []
    for option in SECRET_OPTIONS:
        with suppress(DeviceError):
            found += filter(None, [optional(target, option)])
    return tuple(found)


def discreet(error: E, target: Target, cause: BaseException | None = None) -> E:
    """An error as it may be shown: drivers that others wrote tell what their libraries say, which know secrets.

    `cause` is what it came from, and is shown with it in a traceback only where that tells no secret either.
    """
    secrets = secrets_of(target)
    if secrets:
        told = "".join(traceback.format_exception(cause)) if cause is not None else ""
        clean = [_clean(one, secrets) for one in error.diagnostics]
        if clean != list(error.diagnostics):
            error = type(error)(*clean)
        cause = cause if scrub(told, secrets) == told else None
    error.__cause__, error.__suppress_context__ = cause, True
    return error


def _clean(one: Diagnostic, secrets: Iterable[SecretStr]) -> Diagnostic:
    summary, address, detail, hint = (
        scrub(text, secrets) for text in (one.summary, one.address, one.detail, one.hint)
    )
    return replace(one, summary=summary, address=address, detail=detail, hint=hint)


# ── keys of SSH servers ──────────────────────────────────────────────────────────────────────────


def fingerprint(key: bytes) -> str:
    """``SHA256:…`` of a public key's octets in SSH's format (RFC 4253 §6.6), as OpenSSH prints it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class HostKeys:
    """Fingerprints of the keys by which a device is known; `revoked` ones are never accepted."""

    device: str
    accepted: frozenset[str]
    revoked: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    """Kinds of the accepted keys (``ssh-ed25519``), for libraries that ask for one; empty: not known."""

    def check(self, key: bytes) -> None:
        """Raise DeviceError ``host-key-changed`` or ``host-key-unknown`` unless this is the device's key."""
        seen = fingerprint(key)
        if seen in self.accepted and seen not in self.revoked:
            return
        if not self.accepted and seen not in self.revoked:
            raise self.unknown(seen)
        known = "it is revoked" if seen in self.revoked else f"expected {' or '.join(sorted(self.accepted))}"
        raise DeviceError(
            Diagnostic(
                "host-key-changed",
                f"{self.device} presented another host key: {seen}",
                f"device {self.device}, connect",
                detail=known,
                hint="somebody else may answer at this address; if the device was replaced, check the key at its "
                "console and write it as host_key in inventory/equipment.yaml",
            )
        )

    def unknown(self, seen: str) -> DeviceError:
        """The error for a device of which no key is known."""
        return DeviceError(
            Diagnostic(
                "host-key-unknown",
                f"no host key of {self.device} is known, it presented {seen}",
                f"device {self.device}, connect",
                hint=f'compare with `ssh-keygen -lf` at the device\'s console, then write host_key: "{seen}"',
            )
        )


def host_keys(target: Target, host: str, port: int = 22) -> HostKeys:
    """The keys by which a target's option `host_key` knows it; none at all where there is no such option.

    `host` and `port` are what a known_hosts file is searched for. Raises DeviceError for a file that cannot be
    read and a value that is neither a fingerprint nor a file.
    """
    text = target.options.get("host_key")
    if text is None:
        return HostKeys(target.device, frozenset())
    address = f"device {target.device}, option host_key"
    if _FINGERPRINT.fullmatch(text):
        return HostKeys(target.device, frozenset({text.rstrip("=")}))
    if not text.startswith("file:") or text == "file:":
        raise DeviceError(
            Diagnostic(
                "bad-host-key", f"{text!r} is not a host key", address, hint="write SHA256:… or file:KNOWN_HOSTS"
            )
        )
    accepted, revoked, types = set(), set(), set()
    for marker, kind, key in _entries(_read(Path(text.removeprefix("file:")), address), host, port):
        if marker == "@revoked":
            revoked.add(fingerprint(key))
        elif not marker:
            accepted.add(fingerprint(key))
            types.add(kind)
    return HostKeys(target.device, frozenset(accepted), frozenset(revoked), frozenset(types))


def _entries(text: str, host: str, port: int) -> Iterator[tuple[str, str, bytes]]:
    """Marker, kind and key of the lines for this host (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT")."""
    name = host if port == 22 else f"[{host}]:{port}"
    for line in text.splitlines():
        words = line.split()
        marker = words.pop(0) if words and words[0].startswith("@") else ""
        if len(words) < 3 or words[0].startswith("#") or not _names(words[0], name):
            continue
        try:
            yield marker, words[1], base64.b64decode(words[2], validate=True)
        except binascii.Error:
            continue  # as OpenSSH does: a line that is no key knows nobody


def _names(patterns: str, name: str) -> bool:
    """Whether the first word of a line is for this host: patterns with ``*``, ``?``, ``!``, or one hash."""
    if patterns.startswith("|1|"):
        salt, _, digest = patterns.removeprefix("|1|").partition("|")
        try:
            made = hmac.digest(base64.b64decode(salt), name.lower().encode(), "sha1")
            return hmac.compare_digest(made, base64.b64decode(digest))
        except binascii.Error:
            return False
    found = False
    for pattern in patterns.lower().split(","):
        # Square brackets are part of names with a port, not a set of letters.
        plain = pattern.removeprefix("!").replace("[", "[[]")
        if fnmatch.fnmatchcase(name.lower(), plain):
            if pattern.startswith("!"):
                return False
            found = True
    return found

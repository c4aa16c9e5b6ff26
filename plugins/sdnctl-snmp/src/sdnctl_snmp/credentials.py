"""Who asks: a community (SNMPv2c), or a user with an authentication and a privacy key (SNMPv3, authPriv).

A target's options say it: `community`, or `username`, `auth_key` and `privacy_key` (where one of the two is
missing, `password` stands for it), with `auth` (`sha256`) and `privacy` (`aes128`). Keys and community are
references (``env:NAME``, ``file:PATH``). A device that other drivers log in to shares its credentials with them:
`community` comes before `username`, and `snmp_user` before that. There is no level below authPriv, no MD5, no DES.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from gufo.snmp import (
    Aes128Key,
    Aes192Key,
    Aes256Key,
    BaseAuthKey,
    BasePrivKey,
    KeyExpansion,
    Sha1Key,
    Sha224Key,
    Sha256Key,
    Sha384Key,
    Sha512Key,
    User,
)
from pydantic import SecretStr

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl.southbound.base import Target
from sdnctl.southbound.references import optional

AUTHS: Mapping[str, Callable[[bytes], BaseAuthKey]] = {
    "sha": Sha1Key,
    "sha224": Sha224Key,
    "sha256": Sha256Key,
    "sha384": Sha384Key,
    "sha512": Sha512Key,
}
"""HMAC-SHA-2 (RFC 7860), and HMAC-SHA-96 (RFC 3414) for gear that knows nothing newer."""
PRIVACIES: Mapping[str, tuple[Callable[[bytes], BasePrivKey], KeyExpansion]] = {
    "aes128": (Aes128Key, KeyExpansion.Blumenthal),
    "aes192": (Aes192Key, KeyExpansion.Blumenthal),
    "aes256": (Aes256Key, KeyExpansion.Blumenthal),
    "aes192-cisco": (Aes192Key, KeyExpansion.Cisco),
    "aes256-cisco": (Aes256Key, KeyExpansion.Cisco),
}
"""CFB-AES-128 (RFC 3826); of the longer ones, both ways in which vendors lengthen keys."""
SHORTEST = 8
"""Characters of a pass phrase (RFC 3414 §11.2)."""


@dataclass(frozen=True, slots=True)
class Community:
    """SNMPv2c: a word that anybody on the way can read."""

    secret: SecretStr

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        return (self.secret,)


@dataclass(frozen=True, slots=True)
class UsmUser:
    """SNMPv3: a user of the user-based security model, always authPriv."""

    name: str
    auth: str
    auth_key: SecretStr
    privacy: str
    privacy_key: SecretStr

    @property
    def secrets(self) -> tuple[SecretStr, ...]:
        return (self.auth_key, self.privacy_key)

    def masters(self) -> tuple[bytes, bytes]:
        """Both keys before they are made for an engine (RFC 3414 §A.2): hashes over a megabyte, milliseconds."""
        kind = type(AUTHS[self.auth](b""))
        keys = self.auth_key, self.privacy_key
        auth, privacy = (kind.get_master_key(key.get_secret_value().encode()) for key in keys)
        return auth, privacy

    def user(self) -> User:
        """As the poller's library wants it."""
        cipher, expansion = PRIVACIES[self.privacy]
        return User(
            self.name,
            auth_key=AUTHS[self.auth](self.auth_key.get_secret_value().encode()),
            priv_key=cipher(self.privacy_key.get_secret_value().encode()),
            key_expansion=expansion,
        )


Credentials: TypeAlias = Community | UsmUser


def credentials_of(target: Target) -> Credentials:
    """Whom a target's options name; raises DeviceError with the option that is wrong, never with its value."""
    options = target.options
    name = options.get("snmp_user")
    if name is None:
        if (community := optional(target, "community")) is not None:
            return Community(community)
        name = options.get("username")
    if name is None:
        hint = "give community, or username with auth_key and privacy_key"
        raise _wrong(target, "community", "no credentials are given", hint)
    auth, privacy = options.get("auth", "sha256"), options.get("privacy", "aes128")
    for option, chosen, offered in (("auth", auth, AUTHS), ("privacy", privacy, PRIVACIES)):
        if chosen not in offered:
            raise _wrong(target, option, f"{chosen!r} is not offered", f"write one of {', '.join(offered)}")
    keys = []
    for option in ("auth_key", "privacy_key"):
        key = optional(target, option) or optional(target, "password")
        if key is None:
            raise _wrong(target, option, "it is missing", "write env:NAME or file:PATH; password stands for both")
        if len(key.get_secret_value()) < SHORTEST:
            raise _wrong(target, option, f"it has less than {SHORTEST} characters", "SNMPv3 allows no shorter one")
        keys.append(key)
    return UsmUser(name, auth, keys[0], privacy, keys[1])


def _wrong(target: Target, option: str, reason: str, hint: str) -> DeviceError:
    return DeviceError(
        Diagnostic(
            "bad-credentials",
            f"{target.device}: option {option}: {reason}",
            f"device {target.device}, option {option}",
            hint=hint,
        )
    )

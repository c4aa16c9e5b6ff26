"""What equipment files say of devices that configure themselves apart: names of ports, references to secrets,
tags.

No message of a validator here repeats what it was given: it may be a secret in the wrong place.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from sdnctl.inventory.fields import format_numbers, parse_numbers

Ability: TypeAlias = Literal["policing", "marking", "vlans"]
"""What a device may be used for: limits of what customers send, priorities on the uplink, customers' own VLANs."""
ABILITIES: tuple[Ability, ...] = get_args(Ability)

_PORT = re.compile(r"[A-Za-z0-9][A-Za-z0-9/._:-]{0,63}")
_REFERENCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+")
_HOST_KEY = re.compile(r"SHA256:[A-Za-z0-9+/]{43}=?|file:.+")
_PASSWORD_IN_ADDRESS = re.compile(r"//[^@]*:[^@]*@")
_SECRET_NAME = re.compile(r"pass(word|phrase|wd)?$|secret|token|community|(^|_)key$|credential", re.IGNORECASE)
_TAGS = range(2, 4095)
"""VLANs that may be used (IEEE 802.1Q): 1 is the default of most gear, 4095 is reserved."""


def _reference(value: object) -> str:
    if not isinstance(value, str) or _REFERENCE.fullmatch(value) is None:
        raise ValueError("a secret is never written in clear, only a reference to it: write env:NAME or file:PATH")
    return value


def _file(value: object) -> str:
    if not isinstance(value, str) or not value.startswith("file:") or value == "file:":
        raise ValueError("a key is never written in clear, only the file that holds it: write file:PATH")
    return value


def _host_key(value: object) -> str:
    if not isinstance(value, str) or _HOST_KEY.fullmatch(value) is None:
        raise ValueError(
            "not a host key: write SHA256:… as `ssh-keygen -lf` prints it, or file:PATH of a known_hosts file"
        )
    return value


def _address(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("not an address: write it as the driver's guide says, such as ssh://192.0.2.9:22")
    if _PASSWORD_IN_ADDRESS.search(value):
        raise ValueError("an address holds no password: write a reference to it under credentials")
    return value


def no_secrets(options: dict[str, str]) -> dict[str, str]:
    """Options as they are; raises ValueError for one that is called like a secret."""
    for name in options:
        if _SECRET_NAME.search(name):
            raise ValueError(f"option {name} looks like a secret: write a reference to it under credentials")
    return options


def parse_port(value: object) -> int | str:
    """A port of a switch by number, one of a device as the device names it."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and value.isascii() and value.isdigit():
        number = int(value)
    elif isinstance(value, str) and _PORT.fullmatch(value):
        return value
    else:
        raise ValueError(
            "not a port: write the number of a switch's port, or the device's name for it, such as eth3"
        )
    if not 1 <= number < 0xFF00:
        raise ValueError(f"{number} is not a port number: write 1 to 65279")
    return number


def _name(value: object) -> str:
    return str(parse_port(value))


def _tags(value: object) -> tuple[int, ...]:
    tags = value if isinstance(value, tuple) else parse_numbers(value)
    if outside := [tag for tag in tags if tag not in _TAGS]:
        raise ValueError(f"{outside[0]} is not a VLAN that can be used: write numbers from 2 to 4094")
    return tuple(sorted(tags))


Reference = Annotated[
    str, BeforeValidator(_reference), WithJsonSchema({"type": "string", "pattern": "^(env:[A-Za-z_]|file:.)"})
]
FileReference = Annotated[str, BeforeValidator(_file), WithJsonSchema({"type": "string", "pattern": "^file:."})]
HostKey = Annotated[
    str, BeforeValidator(_host_key), WithJsonSchema({"type": "string", "pattern": "^(SHA256:|file:.)"})
]
DeviceAddress = Annotated[str, BeforeValidator(_address), WithJsonSchema({"type": "string"})]
PortName = Annotated[str, BeforeValidator(_name), WithJsonSchema({"type": "string", "examples": ["eth9"]})]
PortText = Annotated[
    int | str,
    BeforeValidator(parse_port),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}], "examples": [3, "eth3"]}),
]
TagsField = Annotated[
    tuple[int, ...],
    BeforeValidator(_tags),
    PlainSerializer(format_numbers, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["100-199"]}),
]

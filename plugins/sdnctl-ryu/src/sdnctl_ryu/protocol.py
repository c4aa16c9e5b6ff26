"""What driver and application say to each other over a local socket; both sides use this module.

A request is one line of JSON. A reply is one line of JSON whose ``octets`` lists the lengths of the blocks that
follow it: OpenFlow as it came from the switch, which JSON would only inflate. One connection serves one switch and
one request after the other; it begins with ``hello``.

| request | reply |
|---|---|
| ``{"do": "hello", "version": 1, "dpid": n}`` | ``{"framework": "os-ken 4.2.2", "peer": "192.0.2.7:51234"}`` |
| ``{"do": "read", "what": …, "cookie": n, "mask": n}`` | one block for each part of the switch's reply |
| ``{"do": "write", "bundle": n or null, "changes": [[op, rule], …]}`` | ``{"errors": [[index, hex], …]}`` |
| ``{"do": "probe", "bundle": n, "changes": …}`` | the same, of a bundle that was discarded |

What goes wrong is ``{"error": code, "text": …}``, with ``octets`` where the switch said something.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any

from sdnctl.dataplane.serialise import dump_rule, load_rule
from sdnctl.plan.model import Change, Op, Rule

VERSION = 1
LINE_LIMIT = 64 << 20
"""Octets of one line after which the other end is taken for broken: a bundle of 3,000 flows is some 2 MB."""


class What(StrEnum):
    """What can be read of a switch."""

    FEATURES = "features"
    DESCRIPTION = "description"
    FLOWS = "flows"
    GROUPS = "groups"
    GROUP_FEATURES = "group-features"
    METERS = "meters"
    METER_FEATURES = "meter-features"
    PORTS = "ports"
    PORT_COUNTERS = "port-counters"


class Fault(StrEnum):
    """Codes of ``error``."""

    ABSENT = "absent"  # no such switch is connected to the application
    GONE = "gone"  # it was, and its connection ended
    SILENT = "silent"  # it does not answer, or the framework could not read what it answered
    REFUSED = "refused"  # an error message, which follows as octets
    INEXPRESSIBLE = "inexpressible"  # changes that cannot be put into a message: ``faults`` is [[index, text], …]
    BAD_REQUEST = "bad-request"  # the application does not understand the driver


def line(document: dict[str, Any]) -> bytes:
    """One document as one line."""
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def parse(data: bytes) -> dict[str, Any]:
    """One line as one document; raises ValueError."""
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError(f"expected an object, not {type(document).__name__}")
    return document


def reply(document: dict[str, Any], blocks: Sequence[bytes] = ()) -> bytes:
    """A reply with its blocks."""
    if not blocks:
        return line(document)
    return line({**document, "octets": [len(block) for block in blocks]}) + b"".join(blocks)


def dump_changes(changes: Iterable[Change]) -> list[list[Any]]:
    """Changes as JSON-able values; what was there before stays with the driver."""
    return [[change.op.value, dump_rule(change.rule)] for change in changes]


def load_changes(data: Any) -> list[tuple[Op, Rule]]:
    """Operations and rules; raises ValueError."""
    if not isinstance(data, list):
        raise ValueError("expected a list of changes")
    changes = []
    for item in data:
        op, rule = item
        changes.append((Op(op), load_rule(rule)))
    return changes

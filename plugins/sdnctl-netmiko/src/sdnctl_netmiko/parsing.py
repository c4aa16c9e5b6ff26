"""What a device printed, as values: rows of a TextFSM template, joined to attachments by their tag.

Each row of ``running.textfsm`` says a part, in columns that mean the same on every platform; which rows a platform
makes is its own affair:

    PORT, VLAN      a customer port that is ours, and the customer's VLAN there
    TAG             the VLAN on the uplink that this row is about
    UPLINK, TAGS    the uplink carries these tags (``10,101-199``; empty: all); with TAG instead of TAGS: this one
    OWNER           the endpoint of this tag (or of this port)
    RATE, BURST, PRIORITY
    APPLIES         a tag whose RATE, BURST and PRIORITY are in force
    FOREIGN         a line of somebody else's, on PORT (and VLAN), or on TAG of the uplink
    UNDO            an entry of the journal (see `journal`)

What is half there, because a change was cut off or somebody removed a part by hand, is an attachment with tag 0 or
without uplink: it differs from every wanted one, so a plan repairs or deletes it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import textfsm

from sdnctl.dataplane.attachment import Attachment, AttachmentKey
from sdnctl.southbound.base import PortState

COLUMNS = frozenset(
    ("PORT", "VLAN", "TAG", "UPLINK", "TAGS", "OWNER", "APPLIES", "RATE", "BURST", "PRIORITY", "FOREIGN", "UNDO")
)
PORT_COLUMNS = frozenset(
    ("PORT", "STATE", "RX_PACKETS", "TX_PACKETS", "RX_BYTES", "TX_BYTES", "RX_DROPPED", "TX_DROPPED")
)
HIGHEST = 4094
_RANGE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")
_UNPRINTABLE = re.compile(r"[^\t\n\x20-\x7e\xa0-\U0010ffff]")

Row = Mapping[str, str]


class Unreadable(Exception):
    """What a device printed is not what its platform prints; says where, and never shows a line of it."""


@dataclass(frozen=True)
class Running:
    """A running configuration: what is ours, what is not, and what is noted for undoing.

    `foreign`: (port, VLAN) → a line of somebody else's there. `foreign_tags`: the same for tags of the uplink.
    `leftover`: tags of which parts are there that belong to no port. `undo`: entries of the journal, in order.
    """

    attachments: Mapping[AttachmentKey, Attachment]
    foreign: Mapping[AttachmentKey, str] = field(default_factory=dict)
    foreign_tags: Mapping[int, str] = field(default_factory=dict)
    leftover: frozenset[int] = frozenset()
    undo: tuple[str, ...] = ()

    @property
    def foreign_ports(self) -> frozenset[str]:
        return frozenset(port for port, _ in self.foreign)


def read_running(template: str, text: str, complete: str) -> Running:
    """A running configuration as values; raises Unreadable, also where its end is missing (`complete`)."""
    check_text(text)
    if not re.search(complete, "\n".join(text.rstrip().splitlines()[-3:]), re.MULTILINE):
        raise Unreadable(f"the running configuration ends after {len(text)} characters without {complete!r}")
    return _join([_Part.of(row) for row in _rows(template, text)])


def read_ports(template: str, text: str) -> Mapping[int, PortState]:
    """Ports in the order in which the device lists them, numbered from 1; raises Unreadable."""
    check_text(text)
    rows = [row for row in _rows(template, text) if row.get("PORT")]
    return {index: _port(index, row) for index, row in enumerate(rows, start=1)}


def _port(index: int, row: Row) -> PortState:
    def counted(name: str) -> int:
        return _number(row.get(name)) or 0

    return PortState(
        index,
        row["PORT"],
        up=row.get("STATE", "").lower().startswith("up"),
        rx_packets=counted("RX_PACKETS"),
        tx_packets=counted("TX_PACKETS"),
        rx_bytes=counted("RX_BYTES"),
        tx_bytes=counted("TX_BYTES"),
        rx_dropped=counted("RX_DROPPED"),
        tx_dropped=counted("TX_DROPPED"),
    )


def check_text(text: str) -> None:
    """Raise Unreadable at the first character that no command line prints."""
    if found := _UNPRINTABLE.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise Unreadable(f"character {found.start()} (line {line}) is {found.group()!a}")


def _rows(template: str, text: str) -> Iterable[Row]:
    machine = textfsm.TextFSM(io.StringIO(template))
    try:
        rows = machine.ParseTextToDicts(text)
    except textfsm.TextFSMError as error:
        # The error quotes the line, and lines of a configuration may hold secrets of the device.
        where = re.search(r"Rule Line: (\d+)", str(error))
        raise Unreadable(f"a line that line {where[1] if where else '?'} of the template refuses") from None
    return [
        {name: ",".join(value) if isinstance(value, list) else str(value or "") for name, value in row.items()}
        for row in rows
    ]


# ── from rows to attachments ─────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Part:
    """One row, with numbers."""

    row: Row
    tag: int | None
    key: AttachmentKey | None

    @classmethod
    def of(cls, row: Row) -> _Part:
        port = row.get("PORT", "")
        return cls(row, _number(row.get("TAG")), (port, _number(row.get("VLAN"))) if port else None)

    def __getitem__(self, name: str) -> str:
        return self.row.get(name, "")


def _join(parts: list[_Part]) -> Running:
    mine = [part for part in parts if not part["FOREIGN"] and not part["UNDO"]]
    by_tag: dict[int, list[_Part]] = {}
    for part in mine:
        if part.tag is not None:
            by_tag.setdefault(part.tag, []).append(part)
    applied = {_number(part["APPLIES"]) for part in mine if part["APPLIES"]}
    uplinks = [(part["UPLINK"], _tags(part)) for part in mine if part["UPLINK"]]
    found: dict[AttachmentKey, Attachment] = {}
    for part in mine:
        if part.key is not None:
            attachment = _attachment(part, by_tag.get(part.tag or 0, []), uplinks, part.tag in applied)
            # Of several rows for one port the one with a tag counts: the others say whose port it is.
            if part.key not in found or attachment.tag:
                found[part.key] = attachment
    for port in {port for port, vlan in found if vlan is not None}:
        if (bare := found.get((port, None))) is not None and not bare.tag:
            del found[port, None]
    taken = {attachment.tag for attachment in found.values()}
    foreign = [part for part in parts if part["FOREIGN"]]
    return Running(
        found,
        {part.key: part["FOREIGN"].strip() for part in reversed(foreign) if part.key is not None},
        {part.tag: part["FOREIGN"].strip() for part in foreign if part.key is None and part.tag is not None},
        frozenset(by_tag.keys() - taken),
        tuple(part["UNDO"] for part in parts if part["UNDO"]),
    )


def _attachment(
    part: _Part, same_tag: list[_Part], uplinks: list[tuple[str, frozenset[int]]], applies: bool
) -> Attachment:
    assert part.key is not None
    tag = part.tag or 0
    rows = [part, *same_tag]
    owner = next((row["OWNER"] for row in rows if row["OWNER"]), "")
    # An uplink row that names an owner is the uplink of this tag only as long as it names the same one.
    disputed = any(row["UPLINK"] and row["OWNER"] not in ("", owner) for row in same_tag)
    uplink = "" if disputed else next((name for name, tags in uplinks if tag and tag in tags), "")
    rate, burst, priority = (
        next((number for row in rows if (number := _number(row[column])) is not None), None) if applies else None
        for column in ("RATE", "BURST", "PRIORITY")
    )
    return Attachment(part.key[0], uplink, tag, owner, part.key[1], rate, burst, priority)


def _tags(part: _Part) -> frozenset[int]:
    if part.tag is not None:
        return frozenset({part.tag})
    text = part["TAGS"].replace(" ", "")
    return frozenset(range(1, HIGHEST + 1)) if not text else frozenset(_expanded(text))


def _expanded(text: str) -> Iterator[int]:
    """The numbers of ``10,101-199``; what is no range says nothing."""
    for word in text.split(","):
        if found := _RANGE.fullmatch(word):
            first, last = int(found[1]), int(found[2] or found[1])
            yield from range(first, min(last, HIGHEST) + 1)


def _number(text: str | None) -> int | None:
    """A number from a column, None where there is none; columns that are no numbers say nothing either."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) <= 20 else None

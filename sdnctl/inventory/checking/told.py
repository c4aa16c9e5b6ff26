"""What loading the inventory tells by itself, as part of the list of rules, and edits where they are obvious."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sdnctl.errors import Diagnostic, Severity
from sdnctl.inventory.checking.subject import Subject
from sdnctl.inventory.live.findings import Drop, Edit, Entry, Set

_E, _W = Severity.ERROR, Severity.WARNING

TOLD: Mapping[str, tuple[Severity, str]] = {
    "access-line-broken": (_W, "glass of a customer's port that ends on the way"),
    "access-line-dark": (_W, "ports of customers without glass"),
    "access-line-elsewhere": (_W, "glass of a customer's port that ends elsewhere than its endpoints say"),
    "ambiguous-end": (_E, "ends of cords whose name means two things"),
    "bad-polygon": (_E, "hazard zones that enclose nothing or cross themselves"),
    "cable-length-unknown": (_E, "cables with neither route nor sheath length"),
    "cable-not-here": (_E, "strands named where their cable does not pass"),
    "cable-route-not-contiguous": (_E, "cables whose route has a gap"),
    "dangling-reference": (_E, "names of things that are not there"),
    "device-cannot": (_E, "endpoints behind devices that cannot serve them"),
    "dispersion": (_W, "links that are limited by dispersion"),
    "duct-in-the-air": (_W, "ducts through segments of a kind that has none"),
    "duct-not-contiguous": (_E, "ducts whose segments do not join"),
    "duct-outside-parent": (_E, "nested ducts that leave the duct they lie in"),
    "duct-overfull": (_W, "ducts in which more lies than they take"),
    "duct-without-segments": (_E, "ducts that run through nothing"),
    "duplicate-dpid": (_E, "switches with one datapath id"),
    "duplicate-id": (_E, "things declared twice"),
    "duplicate-port": (_E, "ports described twice"),
    "endpoint-elsewhere": (_E, "endpoints at another site than what they are plugged into"),
    "endpoint-on-trunk-port": (_E, "endpoints on ports of links"),
    "endpoint-on-uplink": (_E, "endpoints on the uplink of a device"),
    "fault-beyond-cable": (_E, "broken strands beyond the end of their cable"),
    "incomplete-credentials": (_E, "devices that nobody could log in to"),
    "jumper-between-sites": (_E, "cords between two buildings"),
    "jumper-to-itself": (_E, "cords with both ends in one place"),
    "lane-mismatch": (_W, "one strand of a pair that faces a port of one strand"),
    "link-broken": (_W, "light that does not arrive at a port"),
    "link-to-customers": (_W, "light of a trunk port that arrives at a port of customers"),
    "mask-differs": (_E, "inner ducts at another position of a mask than what they lie in"),
    "mask-not-at-an-end": (_E, "positions in masks where a duct does not end"),
    "mask-position-taken": (_E, "positions in masks that two ducts have"),
    "nested-duct-cycle": (_E, "ducts that lie in themselves"),
    "no-such-port": (_E, "cords to ports that are not there"),
    "no-such-position": (_E, "cords to frame positions that are not there"),
    "no-such-strand": (_E, "cords to strands that are not there"),
    "no-such-strand-end": (_E, "the wrong half of a strand"),
    "not-a-port-number": (_E, "endpoints on ports that are no number"),
    "not-in-service": (_W, "lit links over glass or gear that is not in service"),
    "odf-position-used-twice": (_E, "frame positions with two strands"),
    "one-way-link": (_W, "links of which only one direction arrives"),
    "one-way-splice-reading": (_W, "splices measured from one end only"),
    "opened-and-cut": (_E, "strands that pass uncut and are cut at one place"),
    "opening-not-on-the-way": (_E, "tubes opened where their cable does not pass"),
    "optical-budget": (_W, "links that do not close"),
    "optical-overload": (_W, "links that blind their receiver"),
    "patched-twice": (_E, "ends with two cords"),
    "port-claimed-twice": (_E, "ports that two customers claim"),
    "port-loop": (_W, "ports that hear themselves"),
    "position-beyond-odf": (_E, "positions that a frame does not have"),
    "rate-mismatch": (_W, "links whose ends run at two rates"),
    "reversed-polarity": (_W, "pairs of strands that are not crossed"),
    "segment-loop": (_E, "segments from a place to itself"),
    "slack-off-route": (_E, "loops where the cable does not pass"),
    "spliced-to-itself": (_E, "strands spliced to themselves"),
    "strand-beyond-capacity": (_E, "strands that a cable does not have"),
    "strand-side-missing": (_E, "strands cut on the way, and not said which half is meant"),
    "strand-spliced-twice": (_E, "strand ends that two things are joined to"),
    "tags-overlap": (_E, "devices on one port with VLANs in common"),
    "terminal-behind-device": (_E, "terminals of endpoints behind a device"),
    "terminal-claimed-twice": (_E, "terminals that two ports claim"),
    "terminal-not-at-customer": (_E, "terminals at another site than their endpoint"),
    "terminals-differ": (_E, "endpoints of one port with two terminals"),
    "tube-beyond-capacity": (_E, "tubes that a cable does not have"),
    "unknown-attenuation": (_W, "cables without a figure at the wavelength of a link"),
    "unknown-owner": (_W, "things of which nobody wrote whose they are or how they are known"),
    "uplink-on-trunk-port": (_E, "devices plugged into ports of links"),
    "validity-reversed": (_E, "things that end before they begin"),
    "wavelength-mismatch": (_W, "optics that do not hear each other"),
    "wavelength-taken": (_E, "two transmitters on one strand at one wavelength"),
}
"""Code → usual grade and what it finds."""

_TWICE = frozenset({"duplicate-id", "duplicate-port", "strand-spliced-twice", "odf-position-used-twice"})


def edits(s: Subject, told: Diagnostic) -> tuple[Edit, ...]:
    """What would put a fault right that loading told, where there is no doubt."""
    if told.code in _TWICE:
        return tuple(_said_twice(s, told))
    if told.code == "reversed-polarity" and told.source is not None:
        return tuple(_crossed_over(s, told))
    return ()


def _said_twice(s: Subject, told: Diagnostic) -> Iterator[Edit]:
    """An entry that says what another one says already is dropped; two that differ are for a person."""
    found = s.written(told.source)
    if found is None or told.source is None:
        return
    path, item = found
    number = path[-1]
    document = s.documents[told.source.file]
    siblings: Any = document.value
    for part in path[:-1]:
        siblings = siblings[part] if isinstance(part, int) else getattr(siblings, part)
    if isinstance(number, int) and any(_same(item, one) for one in _before(siblings, number)):
        key = _key(item)
        if key is not None:
            yield Drop(Entry(told.source, *key))


def _before(items: Sequence[Any], number: int) -> Iterable[Any]:
    return items[:number]


def _same(item: Any, other: Any) -> bool:
    """Whether two entries say the same; a splice says the same from either side."""
    if item == other:
        return True
    if not (hasattr(item, "a") and hasattr(item, "b") and hasattr(item, "loss_ab")):
        return False
    turned = {"a": item.b, "b": item.a, "loss_ab": item.loss_ba, "loss_ba": item.loss_ab}
    return bool(item.model_copy(update=turned) == other)


_KEYS: tuple[tuple[str, Callable[[Any], str]], ...] = (
    ("id", str),
    ("port", str),
    ("positions", str),
    ("a", str),
)


def _key(item: Any) -> tuple[str, str] | None:
    """A field of an entry by which an edit knows it again, as it is written."""
    for name, shown in _KEYS:
        value = getattr(item, name, None)
        if isinstance(value, str | int) or (name == "a" and value is not None):
            return name, shown(value)
    return None


def _crossed_over(s: Subject, told: Diagnostic) -> Iterator[Edit]:
    """A port whose transmitter faces a transmitter gets tx and rx exchanged, where it names both."""
    found = s.written(told.source)
    port = None if found is None else found[1]
    if told.source is None or getattr(port, "tx", None) is None or getattr(port, "rx", None) is None:
        return
    values = {"tx": str(getattr(port, "rx", "")), "rx": str(getattr(port, "tx", ""))}
    yield Set.of(Entry(told.source, "port", str(getattr(port, "port", ""))), values)

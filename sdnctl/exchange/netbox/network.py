"""What NetBox holds as a network of links: interfaces that cables join, through frames or not, are the ends of a
link.

"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from sdnctl.document import Document
from sdnctl.errors import Diagnostic, Diagnostics, Severity, Source
from sdnctl.exchange.naming import clean, is_id, slug
from sdnctl.exchange.netbox.model import INTERFACE_TYPES, Device, Interface, Site
from sdnctl.exchange.netbox.paths import Found, paths
from sdnctl.exchange.netbox.read import Reading
from sdnctl.exchange.topology.lengths import UNKNOWN, great_circle
from sdnctl.inventory import models
from sdnctl.topology.models import LinkEntry, LinksFile
from sdnctl.units import format_bitrate, format_length, format_octets

M = TypeVar("M", bound=BaseModel)
MTU = 1600
CAPACITY = 10_000_000_000
SITE_LIFE = {"planned": "planned", "staging": "under-works", "active": "in-service", "retired": "abandoned"}
DEVICE_LIFE = {
    "planned": "planned",
    "staged": "under-works",
    "active": "in-service",
    "offline": "out-of-order",
    "failed": "out-of-order",
    "inventory": "planned",
    "decommissioning": "abandoned",
}
_KINDS = get_args(models.SiteModel.model_fields["kind"].annotation)
_COMMENT = re.compile(r"([a-z_ -]{1,40}): (.+)")
_DIGITS = re.compile(r"(\d{1,5})\D*\Z")
_BY_TYPE = {kind: speed for speed, kind in INTERFACE_TYPES}


@dataclass
class Made:
    """Documents by file, and how many of what."""

    documents: dict[str, Document[Any]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)


def network(reading: Reading, out: Diagnostics) -> Made:
    """Sites, switches and links; what is left out or derived is said in `out`."""
    maker = _Maker(reading, out)
    maker.sites()
    maker.switches()
    maker.links()
    maker.left_out()
    return maker.made


class _Maker:
    def __init__(self, reading: Reading, out: Diagnostics) -> None:
        self.reading, self.out, self.made = reading, out, Made()
        self.inventory = reading.inventory
        self.site_ids: dict[str, str] = {}
        self.switch_ids: dict[str, str] = {}
        self.ports: dict[tuple[str, str], int] = {}
        self.speeds: dict[tuple[str, str], Interface] = {}

    def _note(self, code: str, summary: str, source: Source | None = None, detail: str = "") -> None:
        self.out.items.append(Diagnostic(code, summary, "", source, detail, severity=Severity.NOTE))

    # ── sites ────────────────────────────────────────────────────────────────────────────────────

    def sites(self) -> None:
        found = self.inventory.sites
        told = [_comments(site.comments) for site in found]
        wanted = [_own_id(site, said) for site, said in zip(found, told, strict=True)]
        self.site_ids = dict(zip((site.name for site in found), _unique(wanted, "site"), strict=True))
        rows = []
        for site, said in zip(found, told, strict=True):
            place = None
            if site.latitude is not None and site.longitude is not None:
                place = (site.longitude, site.latitude)
            values = {
                "id": self.site_ids[site.name],
                "name": site.name if site.name != self.site_ids[site.name] else "",
                "area": said.get("area", ""),
                "kind": site.description if site.description in _KINDS else "pop",
                "position": place,
                "feeder": said["feeder"] if is_id(said.get("feeder", "")) else None,
                "status": _life(said, SITE_LIFE, site.status),
                **_origin(said),
            }
            rows += self._made(models.SiteModel, values, self.reading.sources.get(("site", site.name)))
        self._put("inventory/sites.yaml", models.SitesFile(defaults=_DEFAULTS, sites=tuple(rows)))
        self.made.counts["sites"] = len(rows)

    # ── switches ─────────────────────────────────────────────────────────────────────────────────

    def switches(self) -> None:
        """Devices with interfaces; of an export of ours, those with a datapath id."""
        ported = {one.device for one in self.inventory.interfaces}
        told = {device.name: _comments(device.comments) for device in self.inventory.devices}
        ours = {name for name, said in told.items() if said.get("dpid", "").isdigit()}
        chosen = [one for one in self.inventory.devices if one.name in (ours or ported)]
        self.switch_ids = dict(
            zip((one.name for one in chosen), _unique([one.name for one in chosen], "switch"), strict=True)
        )
        numbers = _Dpids(int(told[name]["dpid"]) for name in ours)
        rows = []
        for device in chosen:
            said = told[device.name]
            own = int(said["dpid"]) if device.name in ours else None
            rows += self._switch(device, said, numbers.take(own))
        if rows and not ours:
            self._note("derived-dpid", f"datapath ids of {len(rows)} switches are counted from 1")
        self._put("inventory/equipment.yaml", models.EquipmentFile(defaults=_DEFAULTS, switches=tuple(rows)))
        self.made.counts["switches"] = len(rows)
        self._number_ports()

    def _switch(self, device: Device, said: Mapping[str, str], dpid: int) -> list[models.SwitchModel]:
        values = {
            "id": self.switch_ids[device.name],
            "dpid": dpid,
            "site": self.site_ids[device.site],
            "role": device.role if device.role != "switch" else "",
            "mtu": format_octets(MTU),
            "drivers": {
                key.removeprefix("driver "): value for key, value in said.items() if key.startswith("driver ")
            },
            "status": _life(said, DEVICE_LIFE, device.status),
            **_origin(said),
        }
        return self._made(models.SwitchModel, values, self.reading.sources.get(("device", device.name)))

    def _made(self, model: type[M], values: Mapping[str, Any], source: Source | None) -> list[M]:
        """One object, or none and a diagnostic where a value cannot be taken over."""
        try:
            return [model.model_validate(values)]
        except ValidationError as error:
            for one in error.errors(include_url=False):
                where = ".".join(str(part) for part in one["loc"])
                self.out.error(
                    "bad-value",
                    clean(f"{values.get('id')}: {where}: {one['msg']}"),
                    source=source,
                    hint="Correct it in NetBox.",
                )
            return []

    def _number_ports(self) -> None:
        """OpenFlow numbers of ports: the number at the end of their names, where no other port has it."""
        by_device: dict[str, list[Interface]] = defaultdict(list)
        for one in self.inventory.interfaces:
            by_device[one.device].append(one)
            self.speeds[one.device, one.name] = one
        for device, found in by_device.items():
            ends = {one.name: int(match[1]) for one in found if (match := _DIGITS.search(one.name))}
            counted = Counter(ends.values())
            free = iter(range(1, 0xFF00))
            good = {name: number for name, number in ends.items() if counted[number] == 1 and 0 < number < 0xFF00}
            taken = set(good.values())
            for one in found:
                number = good.get(one.name) or next((free_one for free_one in free if free_one not in taken), 0)
                self.ports[device, one.name] = number
            made_up = len(found) - len(good)
            if made_up and device in self.switch_ids:
                self._note("derived-port", f"{made_up} ports of {device} have no number of their own: counted")

    # ── links ────────────────────────────────────────────────────────────────────────────────────

    def links(self) -> None:
        found, faults = paths(self.inventory)
        for summary, cable in faults:
            source = self.reading.sources.get(("cable", str(cable)))
            self.out.warning("cable-unclear", summary, source=source, hint="No link is made of it.")
        places = {site.name: site for site in self.inventory.sites}
        sites = {device.name: places.get(device.site) for device in self.inventory.devices}
        rows, derived = [], Counter[str]()
        names = [f"{self.switch_ids.get(one.a[0], '')}--{self.switch_ids.get(one.b[0], '')}" for one in found]
        labels = [one.label if is_id(one.label) else "" for one in found]
        counted = Counter(labels)
        wanted = [
            label if label and counted[label] == 1 else name for label, name in zip(labels, names, strict=True)
        ]
        own = [(one, name) for one, name in zip(found, wanted, strict=True) if self._between_switches(one)]
        unique = _unique([name for _, name in own], "link")
        for (one, _), name in zip(own, unique, strict=True):
            rows += self._link(one, name, sites.get(one.a[0]), sites.get(one.b[0]), derived)
        for what, count in sorted(derived.items()):
            self._note("derived-link", f"{what}: {count} {'links' if count > 1 else 'link'}")
        self._put("topology/links.yaml", LinksFile(links=tuple(rows)))
        self.made.counts["links"] = len(rows)
        if len(own) < len(found):
            self._note(
                "cables-to-others", f"{len(found) - len(own)} cables join what is no switch, or one with itself"
            )

    def _between_switches(self, one: Found) -> bool:
        return one.a[0] != one.b[0] and one.a[0] in self.switch_ids and one.b[0] in self.switch_ids

    def _link(
        self, one: Found, name: str, a: Site | None, b: Site | None, derived: Counter[str]
    ) -> list[LinkEntry]:
        ends = self.speeds[one.a], self.speeds[one.b]
        speeds = [end.speed or _BY_TYPE.get(end.type) for end in ends]
        known = [speed * 1000 for speed in speeds if speed]
        if not known:
            derived["capacity unknown, 10 Gbit/s"] += 1
        mtus = [end.mtu for end in ends if end.mtu]
        if len(mtus) < 2:
            derived[f"MTU unknown, {MTU} B"] += 1
        length = one.length
        if length is None:
            length, how = _crow(a, b)
            derived[how] += 1
        ports = [f"{self.switch_ids[end[0]]}:{self.ports[end]}" for end in (one.a, one.b)]
        values = {
            "id": name,
            "a": ports[0],
            "b": ports[1],
            "length": format_length(round(length, 2)),
            "capacity": format_bitrate(min(known, default=CAPACITY)),
            "mtu": format_octets(min(mtus) if len(mtus) == 2 else MTU),
        }
        return self._made(LinkEntry, values, self.reading.sources.get(("interface", *one.a)))

    # ── the rest ─────────────────────────────────────────────────────────────────────────────────

    def left_out(self) -> None:
        frames = sum(1 for one in self.inventory.devices if one.name not in self.switch_ids)
        if frames:
            self._note("devices-left-out", f"{frames} devices are no switches (frames, passive nodes, other gear)")
        for model, count in sorted(self.reading.skipped.items()):
            self._note("model-left-out", f"{count} objects of {model} have no place in a network of links")

    def _put(self, file: str, value: Any) -> None:
        self.made.documents[file] = Document(file, value)


_DEFAULTS = models.Life(owner="imported", source="NetBox")


def _origin(said: Mapping[str, str]) -> dict[str, str]:
    """Owner, manager and source, where an export of ours told them."""
    return {key: said[key] for key in ("owner", "manager", "source") if key in said}


def _comments(text: str) -> dict[str, str]:
    """What an export of ours wrote into the comments, a line each."""
    return {match[1]: match[2] for line in text.splitlines() if (match := _COMMENT.fullmatch(line))}


def _own_id(site: Site, said: Mapping[str, str]) -> str:
    return next((name for name in (said.get("id", ""), site.facility, site.slug) if is_id(name)), site.name)


def _unique(wanted: list[str], otherwise: str) -> list[str]:
    """Names that are ids stay; others become some; the second of one name gets ``-2`` and so on."""
    made = [name if is_id(name) else slug(name, f"{otherwise}-{number}") for number, name in enumerate(wanted, 1)]
    keep = {name for name, count in Counter(made).items() if count == 1}
    taken, found = set[str](), list[str]()
    for name in made:
        unique, number = name, 2
        while unique in taken or (unique != name and unique in keep):
            unique, number = f"{name[:60]}-{number}", number + 1
        taken.add(unique)
        found.append(unique)
    return found


def _life(said: Mapping[str, str], table: Mapping[str, str], status: str) -> str:
    """Our own word where an export wrote it and theirs still fits, else theirs."""
    found = table.get(status, "in-service")
    if said.get("status") == "out-of-order" and found == "in-service":
        return "out-of-order"
    return found


def _crow(a: Site | None, b: Site | None) -> tuple[float, str]:
    places = [
        (site.longitude, site.latitude)
        for site in (a, b)
        if site is not None and site.longitude is not None and site.latitude is not None
    ]
    if len(places) == 2:
        return max(great_circle(places[0], places[1]), 20.0), "length unknown, great circle between the sites"
    return UNKNOWN, "length unknown, and no positions: 10 km"


class _Dpids:
    """Datapath ids: those that are told, else the next free number from 1."""

    def __init__(self, told: Any) -> None:
        self.taken = set(told)
        self.next = 1

    def take(self, own: int | None) -> int:
        if own is not None:
            return own
        while self.next in self.taken:
            self.next += 1
        self.taken.add(self.next)
        return self.next

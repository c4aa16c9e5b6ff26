"""Communes on a spur: an entry in `terms` of every protected service that has leaves or members there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.reference.communes import communes
from lab.reference.demography import SPURS
from lab.reference.services_rows import Row

SERVED = {
    "video-protection": "camera",
    "flood-sensors": "flood-sensor",
    "traffic-lights": "traffic-light",
    "traffic-central": "traffic-light",
    "bollards": "bollard plate-reader",
    "ticketing": "ticketing",
    "m2m": "m2m-concentrator",
    "town-halls": "town-hall",
    "shared-it": "town-hall municipal",
    "management": "site-monitor",
}
"""Protected services that reach communes, and the kinds of their leaves or members."""

_ENTRY = """\
  - select: {{area: {area}}}
    guarantees: {{protection: none}}     # at the end of a spur: one cable in, so nothing to repair with
"""


def on_spurs(texts: Mapping[str, str], rows: Iterable[Row]) -> dict[str, str]:
    """The texts with those entries, before the guarantees that they are exceptions from."""
    sites = {f"{prefix}-{key}": communes()[key].name for key in SPURS for prefix in ("com", "cab")}
    there = {(row.kind, sites[row.site]) for row in rows if row.site in sites}
    result = dict(texts)
    for name, kinds in SERVED.items():
        areas = sorted({area for kind, area in there if kind in kinds.split()})
        entries = "".join(_ENTRY.format(area=area) for area in areas)
        before, after = texts[name].split("\nguarantees:\n")
        head = "" if not entries or "\nterms:\n" in before else "terms:\n"
        result[name] = f"{before}\n{head}{entries}guarantees:\n{after}"
    return result

"""Sites of the reference network: who stands where, and what feeds them.

Commune centres are public facts. The points of presence and cabinets are synthetic: named after quarters and near
them, not surveyed.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from lab.reference.communes import NIMES, communes
from lab.reference.model import Hub, Position

DATACENTRE, SECOND = "neticenter", "richelieu"


class Place(NamedTuple):
    """A site with equipment; `commune` is the key of its commune, `switches` the ids and roles of its switches."""

    id: str
    name: str
    kind: str
    position: Position
    commune: str
    feeder: str
    ups_hours: int
    switches: tuple[tuple[str, str], ...]


# id: (name, kind, longitude, latitude, power feeder, UPS hours, switches and their roles)
# The feeder source-est of two points of presence is one of the traps.
_CENTRES = {
    "neticenter": ("Neticenter", "datacentre", 4.3500, 43.8255, "source-ville-active", 72, {
        "neti-1": "core", "neti-2": "core", "ho-1": "handover", "cloud-1": "cloud", "inet-1": "internet"}),
    "richelieu": ("Richelieu, second site", "datacentre", 4.3700, 43.8380, "source-richelieu", 48, {
        "rich-1": "core", "rich-2": "core", "ho-2": "handover", "cloud-2": "cloud"}),
    "csu": ("Centre de supervision urbain", "office", 4.3610, 43.8330, "source-feucheres", 24, {"csu-1": "csu"}),
    "pop-nord": ("Point of presence north, route d'Uzès", "pop", 4.3655, 43.8520, "source-nord", 8, {
        "pop-nord": "pop"}),
    "pop-nord-ouest": ("Point of presence north-west, route d'Alès", "pop",
                       4.3400, 43.8490, "source-nord-ouest", 8, {
        "pop-nord-ouest": "pop"}),
    "pop-ouest": ("Point of presence west, Carémeau", "pop", 4.3230, 43.8280, "source-ouest", 8, {
        "pop-ouest": "pop"}),
    "pop-sud": ("Point of presence south, Costières", "pop", 4.3525, 43.8125, "source-sud", 8, {
        "pop-sud": "pop"}),
    "pop-sud-est": ("Point of presence south-east, route d'Arles", "pop", 4.3830, 43.8190, "source-est", 8, {
        "pop-sud-est": "pop"}),
    "pop-est": ("Point of presence east, Courbessac", "pop", 4.3925, 43.8410, "source-est", 8, {
        "pop-est": "pop"}),
}  # fmt: skip

# The quarters of Nîmes with an access cabinet: name, longitude, latitude
_QUARTERS = """
castanet 4.3520 43.8585 | mas-de-teste 4.3400 43.8620 | camplanier 4.3325 43.8560
gazelles 4.3760 43.8485 | eaux-bouillies 4.3850 43.8570 | aerodrome 4.4100 43.8560
courbessac 4.4050 43.8475 | route-de-sauve 4.3270 43.8450 | vacquerolles 4.3085 43.8410
valdegour 4.3170 43.8350 | pissevin 4.3275 43.8325 | montaury 4.3360 43.8365
haute-magaille 4.3340 43.8425 | serre-cavalier 4.3440 43.8460 | caremeau 4.3110 43.8235
saint-cesaire 4.3280 43.8130 | ville-active 4.3390 43.8075 | kennedy 4.3345 43.8265
mas-des-abeilles 4.3390 43.8190 | marche-gare 4.3470 43.8165 | km-delta 4.3530 43.8050
mas-de-vignolles 4.3620 43.8070 | georges-besse 4.3710 43.8040 | route-d-arles 4.3830 43.8090
costieres 4.3590 43.8165 | tour-de-l-eveque 4.3740 43.8165 | jonquilles 4.3790 43.8225
capouchine 4.3530 43.8275 | jean-jaures 4.3540 43.8325 | placette 4.3515 43.8375
tour-magne 4.3500 43.8430 | puech-du-teil 4.3560 43.8490 | carmes 4.3655 43.8405
ecusson 4.3595 43.8380 | feucheres 4.3640 43.8290 | croix-de-fer 4.3680 43.8460
chateau-fadaise 4.3745 43.8430 | chemin-bas 4.3800 43.8350 | clos-d-orville 4.3870 43.8390
mas-de-mingue 4.3945 43.8350 | route-d-avignon 4.4050 43.8390 | grezan 4.4080 43.8300
mas-de-ville 4.3970 43.8265 | route-de-beaucaire 4.3850 43.8290
"""

# Cabinets of the larger communes, one per entry: key of the commune → names
COMMUNE_CABINETS = {
    "saint-gilles": ("sabatot", "espeyran", "mitra", "estagel"),
    "marguerittes": ("peyrouse", "tec"),
    "manduel": ("gare", "fumerian"),
    "milhaud": ("trepadonne", "aubian"),
    "bouillargues": ("vigne-clos", "rocade"),
    "garons": ("grande-terre", "aeropole"),
    "caveirac": ("vaunage",),
    "poulx": ("capitelles",),
    "clarensac": ("liquiere",),
    "redessan": ("tgv",),
    "caissargues": ("vistre",),
    "generac": ("chateau",),
    "bernis": ("vistrenque",),
    "saint-genies": ("cooperative",),
}


def _table(text: str) -> list[list[str]]:
    return [row.split() for row in text.strip().replace("|", "\n").splitlines()]


@cache
def centres() -> dict[str, Place]:
    """Datacentres, the command centre and points of presence, all in Nîmes."""
    return {
        key: Place(key, name, kind, (lon, lat), "nimes", feeder, ups, tuple(switches.items()))
        for key, (name, kind, lon, lat, feeder, ups, switches) in _CENTRES.items()
    }


@cache
def quarters() -> dict[str, Place]:
    """Access cabinets in the quarters of Nîmes."""
    return {
        f"cab-{key}": Place(
            f"cab-{key}",
            f"Nîmes, cabinet {key.replace('-', ' ')}",
            "cabinet",
            (float(lon), float(lat)),
            "nimes",
            f"poste-{key}",
            4,
            ((f"cab-{key}", "access"),),
        )
        for key, lon, lat in _table(_QUARTERS)
    }


@cache
def town_halls() -> dict[str, Place]:
    """The node of every commune but Nîmes, at its town hall."""
    return {
        key: Place(
            f"com-{key}",
            f"Mairie de {one.name}",
            "office",
            one.position,
            key,
            f"poste-{key}",
            8,
            ((f"com-{key}", "commune"),),
        )
        for key, one in communes().items()
        if one.insee != NIMES
    }


HUBS: tuple[Hub, ...] = tuple(
    Hub(role, site, switch, "Nîmes")
    for role, site, switch in (
        ("recorder-1", "neticenter", "neti-1"),
        ("recorder-2", "richelieu", "rich-1"),
        ("datacentre", "neticenter", "neti-2"),
        ("datacentre-2", "richelieu", "rich-2"),
        ("csu", "csu", "csu-1"),
        ("handover-1", "neticenter", "ho-1"),
        ("handover-2", "richelieu", "ho-2"),
        ("cloud-1", "neticenter", "cloud-1"),
        ("cloud-2", "richelieu", "cloud-2"),
        ("internet", "neticenter", "inet-1"),
        ("m2m", "richelieu", "rich-2"),
        ("management", "neticenter", "neti-2"),
    )
)
"""Recorders, servers, the command centre, hand-overs to operators, on-ramps to clouds and the internet exit."""

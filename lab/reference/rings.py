"""Rings, the core and the cabinets' loops: which sites follow each other, as tables.

A *run* is one ring cable, jointed every few kilometres, that passes the nodes of its hops: each cuts two tubes of
twelve, all other strands pass uncut. Every ring lands on two points of presence, by two entries.
"""

from __future__ import annotations

from typing import NamedTuple

from lab.reference.model import Position
from lab.reference.places import COMMUNE_CABINETS


class Run(NamedTuple):
    """A cable through `nodes`: keys of communes, or ids of points of presence."""

    id: str
    type: str
    year: int
    nodes: tuple[str, ...]


class Tap(NamedTuple):
    """A cabinet on a hop, `metres` from its end `near`."""

    cabinet: str
    commune: str
    near: str
    metres: float


def _run(name: str, kind: str, year: int, nodes: str) -> Run:
    return Run(name, kind, year, tuple(nodes.split()))


RUNS = (
    _run("south-east", "g652d-288", 2006,
         "pop-est rodilhan redessan manduel bouillargues garons caissargues pop-sud"),
    _run("east", "g652d-144", 2009,
         "pop-nord poulx cabrieres ledenon sernhac bezouce saint-gervasy marguerittes pop-est"),
    _run("west", "g652d-144", 2010,
         "pop-ouest caveirac clarensac saint-come saint-dionisy langlade bernis milhaud pop-sud"),
    _run("gardon", "g657a1-144", 2012, "pop-nord sainte-anastasie dions saint-chaptes la-calmette pop-nord-ouest"),
    _run("leins", "g657a1-144", 2013,
         "pop-ouest gajan saint-mamert fons saint-bauzely montignargues saint-genies la-rouviere pop-nord-ouest"),
    _run("south", "g657a1-144", 2018, "pop-sud generac saint-gilles"),
    _run("south-garons", "g657a1-72", 2018, "saint-gilles garons pop-sud-est"),
    _run("leins-sub", "g657a1-72", 2016, "fons moulezan montagnac domessargues sauzet saint-genies"),
    _run("moussac", "g657a1-72", 2016, "sauzet saint-chaptes"),
    _run("spur", "g657a1-72", 2016, "montagnac mauressargues"),
)  # fmt: skip
"""The rings, which `RINGS` puts together, and what hangs on them: `leins-sub` is a sub-ring of `leins`, `moussac`
the northern way out of Saint-Chaptes; `spur` has no second way. The chord Nîmes - La Calmette - Saint-Chaptes is
part of `gardon` and divides the North-West."""

NODE = 24
"""Strands of a ring that each node takes: two tubes of twelve; four fifths of 144 go through."""

RINGS = {
    "south-east": ("south-east",),
    "east": ("east",),
    "west": ("west",),
    "gardon": ("gardon",),
    "leins": ("leins",),
    "south": ("south", "south-garons"),
}
"""Ring → the runs that it is made of, in order."""

# Where a hop's road meets the streets of Nîmes
GATES: dict[str, Position] = {
    "caveirac pop-ouest": (4.3030, 43.8270),
    "milhaud pop-sud": (4.3370, 43.8040),
    "pop-nord sainte-anastasie": (4.3640, 43.8630),
    "la-calmette pop-nord-ouest": (4.3430, 43.8650),
    "gajan pop-ouest": (4.3080, 43.8450),
    "la-rouviere pop-nord-ouest": (4.3270, 43.8590),
    "pop-nord poulx": (4.3830, 43.8640),
    "marguerittes pop-est": (4.4150, 43.8470),
    "pop-est rodilhan": (4.4120, 43.8370),
    "caissargues pop-sud": (4.3650, 43.8010),
    "generac pop-sud": (4.3560, 43.7990),
    "garons pop-sud-est": (4.3950, 43.8050),
}

MEETING = "ch-trois-anneaux"
"""The chamber before pop-sud in which the South-East, West and South rings meet: one of the traps."""
MEETING_SPOT: Position = (4.3535, 43.8075)
MEETING_HOPS = ("milhaud pop-sud", "caissargues pop-sud", "generac pop-sud")

BRIDGE_SOUTH: Position = (4.2830, 43.9493)
BRIDGE_NORTH: Position = (4.2820, 43.9519)
BRIDGE_DUCT = "du-pont-du-gardon"
BRIDGE_HOPS = ("dions saint-chaptes", "la-calmette saint-chaptes")
"""Two hops of the Gardon ring that cross the river on one bridge, in one outer duct: one of the traps."""


def _taps() -> dict[str, tuple[Tap, ...]]:
    rows = """
generac saint-gilles        saint-gilles estagel 2100; saint-gilles sabatot 900
saint-gilles garons         saint-gilles espeyran 900; saint-gilles mitra 2300
saint-gervasy marguerittes  marguerittes tec 900
marguerittes pop-est        marguerittes peyrouse 900
redessan manduel            manduel gare 900
manduel bouillargues        manduel fumerian 900; bouillargues vigne-clos 900
bernis milhaud              milhaud trepadonne 900
milhaud pop-sud             milhaud aubian 900
bouillargues garons         bouillargues rocade 900; garons grande-terre 900
garons pop-sud-est          garons aeropole 1300
pop-ouest caveirac          caveirac vaunage 900
pop-nord poulx              poulx capitelles 900
caveirac clarensac          clarensac liquiere 900
rodilhan redessan           redessan tgv 900
caissargues pop-sud         caissargues vistre 900
pop-sud generac             generac chateau 900
langlade bernis             bernis vistrenque 900
saint-genies la-rouviere    saint-genies cooperative 900
"""
    found: dict[str, tuple[Tap, ...]] = {}
    for row in rows.strip().splitlines():
        words = row.replace(";", " ").split()
        found[" ".join(words[:2])] = tuple(
            Tap(f"cab-{words[at]}-{words[at + 1]}", words[at], words[at], float(words[at + 2]))
            for at in range(2, len(words), 3)
        )
    return found


TAPS = _taps()
"""Hop → cabinets along it, in its direction."""
assert sum(map(len, TAPS.values())) == sum(map(len, COMMUNE_CABINETS.values()))

# Cables of the core: strands, year, and the switches of the links on each; the two longest-serving are of 2003
CORE = """
pop-nord        pop-nord-ouest   288 2004
pop-nord-ouest  pop-ouest        288 2004
pop-ouest       pop-sud          288 2005
pop-sud         pop-sud-est      288 2005
pop-sud-est     pop-est          288 2006
pop-est         pop-nord         288 2006
neticenter      pop-nord         288 2009
neticenter      pop-nord-ouest   288 2009
neticenter      pop-ouest        288 2009
neticenter      pop-sud          720 2017
richelieu       pop-nord         720 2017
richelieu       pop-est          288 2010
richelieu       pop-sud-est      288 2010
neticenter      richelieu        288 2003 north
neticenter      richelieu        288 2010 south
csu             neticenter       288 2014
csu             richelieu        288 2014
"""

STATION: Position = (4.3662, 43.8322)
STATION_DUCT = "du-sortie-gare"
STATION_CABLES = ("neticenter--richelieu-south", "richelieu--pop-sud-est")
"""Two core cables that leave the quarter of the station in one outer duct: one of the traps."""

# Loops of access cabinets in Nîmes: year of the cable, and the way from one landing to another. None joins pop-est
# and pop-sud-est, which hang on one power feeder.
LOOPS = """
2003 pop-nord castanet mas-de-teste camplanier pop-nord-ouest
2012 pop-nord gazelles eaux-bouillies aerodrome courbessac pop-est
2014 pop-nord-ouest route-de-sauve vacquerolles valdegour pop-ouest
2008 pop-ouest pissevin montaury haute-magaille serre-cavalier pop-nord-ouest
2016 pop-ouest caremeau saint-cesaire ville-active pop-sud
2003 neticenter kennedy mas-des-abeilles marche-gare pop-sud
2019 pop-sud km-delta mas-de-vignolles georges-besse route-d-arles pop-sud-est
2011 pop-sud costieres tour-de-l-eveque jonquilles pop-sud-est
2003 neticenter capouchine jean-jaures placette tour-magne puech-du-teil pop-nord
2003 richelieu carmes ecusson feucheres neticenter
2007 richelieu chateau-fadaise croix-de-fer pop-nord
2021 richelieu chemin-bas clos-d-orville mas-de-mingue route-d-avignon pop-est
2025 pop-est grezan mas-de-ville route-de-beaucaire richelieu
"""


def site(node: str) -> str:
    """The site of a node of a run."""
    return node if node.startswith("pop-") else f"com-{node}"

"""Endpoints of the city's own services: cameras, water, traffic, bollards, parking, tickets, air, Wi-Fi."""

from __future__ import annotations

from collections.abc import Iterator

from lab.reference.chance import apportion, chance
from lab.reference.demography import Place, Town, key_of, shares, shuffled, spread, words
from lab.reference.model import Point
from lab.reference.services_rows import Book

CAMERAS, CAMERA_POINTS = 800, 450
CAMERAS_NIMES, POINTS_NIMES = 533, 300
UHD = 320
RECORDERS = ("rec-n1", "rec-n2", "rec-r1", "rec-r2")
"""Two recorders at each of two sites: the first two at Neticenter, the others at the second site."""

# Corridors of the green waves in Nîmes: a name, and the quarters along it; five controllers each
CORRIDORS = {
    "boulevard-jean-jaures": "capouchine jean-jaures placette",
    "boulevard-gambetta": "placette carmes",
    "boulevard-victor-hugo": "jean-jaures ecusson",
    "boulevard-amiral-courbet": "carmes ecusson feucheres",
    "avenue-feucheres": "feucheres jonquilles",
    "boulevard-talabot": "feucheres carmes croix-de-fer",
    "rue-pierre-semard": "carmes chateau-fadaise croix-de-fer",
    "route-d-uzes": "croix-de-fer gazelles eaux-bouillies",
    "route-d-ales": "tour-magne castanet mas-de-teste",
    "chemin-du-puech-du-teil": "puech-du-teil castanet",
    "rue-vincent-faita": "chateau-fadaise puech-du-teil",
    "route-de-sauve": "serre-cavalier route-de-sauve vacquerolles",
    "chemin-du-camplanier": "serre-cavalier camplanier mas-de-teste",
    "avenue-kennedy": "kennedy pissevin valdegour",
    "avenue-des-arts": "pissevin valdegour vacquerolles",
    "route-de-montpellier": "saint-cesaire kennedy",
    "avenue-pompidou": "montaury kennedy capouchine",
    "rue-de-montaury": "montaury haute-magaille",
    "route-de-rouquairol": "caremeau pissevin",
    "boulevard-allende": "mas-des-abeilles marche-gare costieres",
    "route-de-saint-gilles": "marche-gare km-delta",
    "avenue-de-la-liberte": "ville-active mas-des-abeilles saint-cesaire",
    "route-de-generac": "ville-active km-delta",
    "avenue-bir-hakeim": "mas-de-mingue clos-d-orville chemin-bas",
    "route-d-avignon": "route-d-avignon courbessac clos-d-orville",
    "route-de-beaucaire": "route-de-beaucaire mas-de-ville grezan",
    "route-d-arles": "route-d-arles tour-de-l-eveque",
    "avenue-de-la-gare-routiere": "jonquilles route-de-beaucaire chemin-bas",
    "boulevard-sud": "mas-de-vignolles georges-besse route-d-arles",
    "route-d-aerodrome": "aerodrome courbessac eaux-bouillies",
}
# … and in the larger communes around it
CORRIDORS_AROUND = ("saint-gilles", "marguerittes", "manduel", "milhaud", "bouillargues", "caissargues")
CONTROLLERS = 5
SHIELD = words("ecusson carmes placette jean-jaures feucheres capouchine tour-magne croix-de-fer chateau-fadaise")
"""Quarters of the old town, which the bollards close off."""

BOLLARDS = 32
SMALL = {
    "wifi-ap": 120,
    "m2m-concentrator": 40,
    "ticketing": 60,
    "parking": 40,
    "lora-gateway": 30,
    "air-quality": 20,
}
"""Services that stand wherever a street has a drop point, and how many of each."""
NAMES = {
    "wifi-ap": "ap",
    "m2m-concentrator": "m2m",
    "ticketing": "tick",
    "parking": "park",
    "lora-gateway": "lora",
    "air-quality": "air",
}


def city(book: Book, town: Town) -> None:
    """All of them, with their servers."""
    cameras(book, town)
    flood(book, town)
    traffic(book, town)
    bollards(book, town)
    streets(book, town)


def cameras(book: Book, town: Town) -> None:
    """800 cameras at 450 points; the western half is at home at Neticenter, the others at the second site."""
    spots: list[tuple[Point, int]] = []
    for key, number in shares(CAMERA_POINTS, POINTS_NIMES).items():
        points = (town.of(Place.STREET, key) + town.of(Place.MUNICIPAL, key) + town.of(Place.SCHOOL, key))[:number]
        if len(points) < number:
            raise ValueError(f"{key} has {len(points)} places for {number} points with cameras")
        count = CAMERAS_NIMES if key == "nimes" else None
        spots += [(point, count or 0) for point in points]
    inside = [point for point, count in spots if count]
    outside = [point for point, count in spots if not count]
    counts = spread(CAMERAS_NIMES, inside, "cameras", 4) | spread(CAMERAS - CAMERAS_NIMES, outside, "cameras", 4)
    names = [(point, f"cam-{number:04d}") for number, point in enumerate(_each(inside + outside, counts), 1)]
    sharp = set(sorted((name for _, name in names), key=lambda name: chance("uhd", name))[:UHD])
    homes = _homes([point for point, _ in names])
    for place, (point, name) in enumerate(names):
        home = RECORDERS[homes[point.switch] * 2 + place % 2]
        book.at_point(name, "camera", point, "uhd" if name in sharp else "hd", f"home-{home}", key_of(point))
    for recorder in RECORDERS:
        book.at_hub(
            recorder, "recorder", "recorder-1" if recorder.startswith("rec-n") else "recorder-2", "recorder"
        )
    for number in range(1, 13):
        book.at_hub(f"viewer-{number:02d}", "viewer", "csu", "desk")
    for number in (1, 2):
        book.at_hub(f"wall-{number}", "video-wall", "csu", "wall")
        book.at_hub(f"search-{number}", "image-search", ("datacentre", "datacentre-2")[number - 1], "gpu")


def flood(book: Book, town: Town) -> None:
    """40 stations, a telecontrol head and an expert system at each datacentre, a desk at the command centre."""
    for number, point in enumerate(town.of(Place.RIVER), 1):
        water = "cadereau" if key_of(point) == "nimes" else "river"
        book.at_point(f"flood-{number:02d}", "flood-sensor", point, water, key_of(point))
    for number, role in enumerate(("datacentre", "datacentre-2"), 1):
        book.at_hub(f"scada-{number}", "scada-head", role)
        book.at_hub(f"expert-{number}", "flood-expert", role)
    book.at_hub("crisis-desk", "crisis-desk", "csu")


def traffic(book: Book, town: Town) -> None:
    """180 controllers in 36 corridors of five, one to a point, and their central."""
    taken: set[str] = set()
    for name, quarters in CORRIDORS.items():
        chain = {part: _free(town.quarter(part, Place.STREET), taken) for part in words(quarters)}
        turn = [one[place] for place in range(CONTROLLERS) for one in chain.values() if place < len(one)]
        chosen = {point.id for point in turn[:CONTROLLERS]}
        for part, points in chain.items():
            _controllers(book, [point for point in points if point.id in chosen], name, part, taken)
    for key in CORRIDORS_AROUND:
        points = _free(town.of(Place.STREET, key), taken)[:CONTROLLERS]
        _controllers(book, points, f"traverse-{key}", key, taken)
    book.at_hub("traffic-central", "traffic-central", "datacentre")


def _free(points: list[Point], taken: set[str]) -> list[Point]:
    return [point for point in points if point.id not in taken]


def _controllers(book: Book, points: list[Point], corridor: str, part: str, taken: set[str]) -> None:
    for point in points:
        taken.add(point.id)
        number = book.number("traffic-light")
        book.at_point(f"tl-{number:03d}", "traffic-light", point, f"corridor-{corridor}", part)


def bollards(book: Book, town: Town) -> None:
    """32 points round the old town, each with a bollard and a plate reader."""
    points = [point for name in SHIELD for point in town.quarter(name, Place.STREET)]
    for number, point in enumerate(shuffled(points, "bollards")[:BOLLARDS], 1):
        gate = f"gate-{number:02d}"
        book.at_point(f"bollard-{number:02d}", "bollard", point, gate)
        book.at_point(f"lpr-{number:02d}", "plate-reader", point, gate)
    for number, role in enumerate(("datacentre", "csu"), 1):
        book.at_hub(f"access-{number}", "access-server", role)
    book.at_hub("plates", "plate-server", "datacentre")


def streets(book: Book, town: Town) -> None:
    """Small services: first at points where nothing stands yet, then beside others."""
    used = {row.terminal for row in book.rows}
    free = shuffled((point for point in town.of(Place.STREET) if point.terminal not in used), "small")
    kinds = apportion(len(free), {kind: float(count) for kind, count in SMALL.items()})
    for kind, count in SMALL.items():
        alone, free = free[: min(count, kinds[kind])], free[min(count, kinds[kind]) :]
        names = {point.id for point in alone}
        beside = [point for point in shuffled(town.of(Place.STREET), kind) if point.id not in names]
        for point in (*alone, *beside[: count - len(alone)]):
            book.at_point(f"{NAMES[kind]}-{book.number(kind):03d}", kind, point, key_of(point))
    if free:
        raise ValueError(f"nothing stands at {len(free)} points")
    book.at_hub("wifi-controller", "wifi-controller", "internet")
    book.at_hub("m2m-handover", "m2m-handover", "m2m")
    book.at_hub("ticketing-server", "ticketing-server", "datacentre-2")
    book.at_hub("parking-server", "parking-server", "datacentre")
    book.at_hub("lora-server", "lora-server", "datacentre-2")
    book.at_hub("air-server", "air-server", "datacentre")


def _each(points: list[Point], counts: dict[str, int]) -> Iterator[Point]:
    for point in points:
        for _ in range(counts[point.id]):
            yield point


def _homes(points: list[Point]) -> dict[str, int]:
    """Switch → 0 (Neticenter) or 1: whole switches, from west to east, until half of the cameras are at home."""
    west: dict[str, list[float]] = {}
    for point in points:
        west.setdefault(point.switch, []).append(point.position[0])
    order = sorted(west, key=lambda name: (sum(west[name]) / len(west[name]), name))
    homes, before = {}, 0
    for name in order:
        homes[name] = int(before + len(west[name]) / 2 > len(points) / 2)
        before += len(west[name])
    return homes

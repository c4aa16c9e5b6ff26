"""GeoJSON and NetBox over random plants: what was exported, imported and exported again is the same bytes."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inventory_support import documents
from random_plants import random_network

from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging_geojson import export_geojson, import_geojson
from sdnctl.usecases.exchanging_netbox import export_netbox, import_netbox
from sdnctl.workspace.dump import dump_documents

SEEDS = st.integers(0, 2**32 - 1)
TEXTS = ("", "été; à côté", 'he said "3 m"', "a, b", "—", "1e5", "null", "x" * 200, "\u2028 line")


@contextmanager
def plant(seed: int) -> Iterator[tuple[Path, Path]]:
    """A folder to work in, and below it a network folder with a random plant that has odd texts."""
    rng = random.Random(seed)
    network = random_network(rng)
    for switch in network["equipment"]["switches"]:
        for port in switch["ports"]:
            port["rate"] = "10 Gbit/s"
    for items in (network["segments"], network["cables"]["cables"], network["sites"]["sites"]):
        for item in items:
            text = rng.choice(TEXTS)
            if text:
                item["source"] = text
            if rng.random() < 0.2:
                item |= {"status": rng.choice(("planned", "abandoned")), "valid_from": "2019-03-31"}
    for item in network["cables"]["cables"]:
        if rng.random() < 0.5:
            item["sheath"] = f"{rng.randint(1000, 9000) + rng.choice((0, 0.25, 1 / 3))} m"
    place = Path(tempfile.mkdtemp(prefix="exchange-"))
    folder = place / "net"
    try:
        for name, text in {"network.yaml": "name: n\n", **dump_documents(documents(network))}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield place, folder
    finally:
        shutil.rmtree(place)


def contents(target: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in ([target] if target.is_file() else sorted(target.iterdir()))}


def geojson_and_back(seed: int, name: str) -> None:
    with plant(seed) as (place, folder):
        export_geojson(Context(folder), place / name)
        import_geojson(place / name, place / "again")
        (place / "two").mkdir()
        export_geojson(Context(place / "again"), place / "two" / name)
        assert contents(place / "two" / name) == contents(place / name)
        was, now = Context(folder).loaded.plant, Context(place / "again").loaded.plant
        assert {key: (one.sheath, one.slack, one.places) for key, one in now.cables.items()} == {
            key: (one.sheath, one.slack, one.places) for key, one in was.cables.items()
        }
        assert {(one.closure, one.a, one.b, one.loss) for one in now.splices} == {
            (one.closure, one.a, one.b, one.loss) for one in was.splices
        }


def netbox_and_back(seed: int) -> None:
    """The first import makes a network of links; from there on nothing changes."""
    with plant(seed) as (place, folder):
        export_netbox(Context(folder), place / "e0")
        for number in range(3):
            import_netbox(place / f"e{number}", place / f"n{number}")
            export_netbox(Context(place / f"n{number}"), place / f"e{number + 1}")
        assert contents(place / "e3") == contents(place / "e2") == contents(place / "e1")


@given(SEEDS, st.sampled_from(("map.geojson", "layers")))
@settings(max_examples=5, deadline=None)
def test_geojson_comes_back_as_the_same_bytes(seed: int, name: str) -> None:
    geojson_and_back(seed, name)


@given(SEEDS)
@example(3335)  # side A of a cable is on the switch that comes second
@settings(max_examples=5, deadline=None)
def test_netbox_comes_back_as_the_same_bytes(seed: int) -> None:
    netbox_and_back(seed)


@pytest.mark.soak
@given(SEEDS, st.sampled_from(("map.geojson", "layers")))
@settings(max_examples=1000, deadline=None)
def test_geojson_comes_back_as_the_same_bytes_soak(seed: int, name: str) -> None:
    geojson_and_back(seed, name)


@pytest.mark.soak
@given(SEEDS)
@settings(max_examples=1000, deadline=None)
def test_netbox_comes_back_as_the_same_bytes_soak(seed: int) -> None:
    netbox_and_back(seed)

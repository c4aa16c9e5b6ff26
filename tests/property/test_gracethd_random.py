"""GraceTHD over random plants, and over damaged files."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from gracethd_deliveries import town
from hypothesis import example, given, settings
from hypothesis import strategies as st
from inventory_support import documents
from random_plants import random_network

from sdnctl.errors import Diagnostics, InputError
from sdnctl.exchange.gracethd import delivering
from sdnctl.exchange.gracethd.course import Course
from sdnctl.exchange.gracethd.delivering import compose, merge
from sdnctl.exchange.gracethd.keeping import keep, recall
from sdnctl.exchange.gracethd.reading import read_delivery
from sdnctl.exchange.gracethd.records import Records, read_documents
from sdnctl.exchange.gracethd.schema import Version
from sdnctl.exchange.gracethd.sources import read_source
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.targets import write_folder, write_package
from sdnctl.exchange.gracethd.touched import Touched
from sdnctl.usecases.gracethd import import_gracethd
from sdnctl.workspace.folder import load_network

SEEDS = st.integers(0, 2**32 - 1)
VERSIONS = st.sampled_from(list(Version))


def plant_records(rng: random.Random) -> Records:
    """A random plant, with lives, ducts, masks, loops and kinds of its own."""
    network = random_network(rng)
    del network["equipment"]
    for item in network["cables"]["cables"]:
        if rng.random() < 0.5:
            item["sheath"] = f"{rng.randint(1000, 9000) + rng.choice((0, 0.25, 1 / 3))} m"
        if rng.random() < 0.3:
            item |= {"status": rng.choice(("planned", "abandoned", "out-of-order")), "valid_from": "2019-03-31"}
    network["ducts"] = {"ducts": [
        {"id": f"d{number}", "segments": [name], "diameter": "40 mm", "masks": {ends: "B:2.3"}, "owner": "é;à"}
        for number, (name, ends) in enumerate((one["id"], one["a"]) for one in network["segments"])
        if rng.random() < 0.4
    ]}  # fmt: skip
    ducts = {one["segments"][0]: one["id"] for one in network["ducts"]["ducts"]}
    for item in network["cables"]["cables"]:
        item["route"] = [ducts.get(name, name) if rng.random() < 0.7 else name for name in item["route"]]
    kind = network["cable-types"]["cable_types"][0]
    kind["colours"] = rng.choice(("orange-fr", "gracethd", "tia598"))
    for one in network["segments"]:
        one["kind"] = rng.choice(("trench", "overhead", "bridge", "sewer", "gallery"))
    for one in network["closures"]["closures"]:
        joined = {part["a"].split(":")[0].split("/")[0] for part in one["splices"]}
        ending = [c["id"] for c in network["cables"]["cables"] if one["at"] in (c["a"], c["b"])]
        free = [name for name in ending if name not in joined]
        if free and rng.random() < 0.4:
            one["cut"] = [f"{free[0]}:{rng.randint(1, 3)}"]
        for part in one["splices"]:
            if rng.random() < 0.3:
                part["loss"] = "0.07 dB"
    return read_documents(documents(network))


@contextmanager
def folder() -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="gracethd-"))
    try:
        yield made
    finally:
        shutil.rmtree(made)


def write(store: Store, target: Path) -> dict[str, bytes]:
    """Write a delivery; its files."""
    if target.suffix:
        write_package(store, target)
        return {"": target.read_bytes()}
    return {path.name: path.read_bytes() for path in write_folder(store, target, Diagnostics())}


def there_and_back(seed: int, version: Version, suffix: str) -> None:
    rng = random.Random(seed)
    records = plant_records(rng)
    with folder() as made, Store() as out, Store() as read, Store() as kept, Store() as again:
        first = write(compose(records, Course(records), version, out), made / f"one{suffix}")
        found = Diagnostics()
        kind = read_source(made / f"one{suffix}", read, found)
        reading = read_delivery(read)
        assert not found.items
        assert not [one for one in reading.findings.defects if one.grade == "error"]
        assert reading.records == records
        keep(read, made, version, kind)
        assert recall(made, kept, found) is version
        second = merge(records, Course(records), kept, read_delivery(kept), version, again)
        assert write(second, made / f"two{suffix}") == first


@given(SEEDS, VERSIONS, st.sampled_from(("", ".gpkg")))
@settings(max_examples=10, deadline=None)
def test_export_import_export_is_the_same_bytes(seed: int, version: Version, suffix: str) -> None:
    there_and_back(seed, version, suffix)


@pytest.mark.soak
@given(SEEDS, VERSIONS, st.sampled_from(("", ".gpkg")))
@settings(max_examples=500, deadline=None)
def test_export_import_export_is_the_same_bytes_soak(seed: int, version: Version, suffix: str) -> None:
    there_and_back(seed, version, suffix)


def edited(records: Records, rng: random.Random) -> None:
    """Change the plant: a cable goes with its joints, lengths and owners change, a splice is cut."""
    cables = records["cable"]
    gone = rng.choice(sorted(cables))
    if len(cables) > 1 and rng.random() < 0.7:
        del cables[gone]

        def without(parts: dict[str, list[dict[str, Any]]], keys: tuple[str, ...]) -> None:
            for name, items in list(parts.items()):
                left = [one for one in items if all(gone != one[key].split(":")[0].split("/")[0] for key in keys)]
                parts[name] = left
                if not left:
                    del parts[name]

        without(records.splices, ("a", "b"))
        without(records.terminations, ("strands",))
        for item in records["closure"].values():
            if "cut" in item:
                item["cut"] = [one for one in item["cut"] if not one.startswith(f"{gone}:")]
                if not item["cut"]:
                    del item["cut"]
    for item in cables.values():
        if rng.random() < 0.5:
            item["owner"] = "somebody else"
        if rng.random() < 0.3:
            item["sheath"] = "9999 m"
    for name, items in list(records.splices.items()):
        if rng.random() < 0.3 and len(items) > 1:
            records.splices[name] = items[1:]
    for item in records["segment"].values():
        if rng.random() < 0.1:  # a bend
            first, last = item["coordinates"][0], item["coordinates"][-1]
            bend = [round((a + b) / 2 + rng.uniform(0, 1e-4), 7) for a, b in zip(first, last, strict=True)]
            item["coordinates"] = [first, bend, last]
    for item in records["duct"].values():
        if rng.random() < 0.2:
            item["diameter"] = "50 mm"
    for item in (*records["cable type"].values(), *records["closure"].values(), *records["odf"].values()):
        if rng.random() < 0.1:
            item["owner" if "strands" not in item else "fibre"] = "G.657.A2"


def everything(was: Records, now: Records) -> Touched:
    """As if an edit touched all there is."""
    return {kind: frozenset({*was[kind], *now[kind]}) for kind in was.objects}


def edited_and_back(seed: int, version: Version, suffix: str) -> None:
    """What was edited is what is read from the export of a plant that came from a delivery."""
    rng = random.Random(seed)
    records = plant_records(rng)
    with folder() as made, Store() as kept, Store() as again, Store() as read:
        compose(records, Course(records), version, kept)
        reading = read_delivery(kept)
        now = read_delivery(kept).records
        edited(now, rng)
        out = merge(now, Course(now), kept, reading, version, again)
        files = write(out, made / f"one{suffix}")
        with Store() as slowly, pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivering, "touched", everything)
            assert write(merge(now, Course(now), kept, reading, version, slowly), made / f"two{suffix}") == files
        read_source(made / f"one{suffix}", read, Diagnostics())
        found = read_delivery(read)
        assert found.records == now
        assert not [one for one in found.findings.defects if one.grade == "error"]


@given(SEEDS, VERSIONS, st.sampled_from(("", ".gpkg")))
@settings(max_examples=8, deadline=None)
def test_an_edited_plant_is_what_is_read_again(seed: int, version: Version, suffix: str) -> None:
    edited_and_back(seed, version, suffix)


@pytest.mark.soak
@given(SEEDS, VERSIONS, st.sampled_from(("", ".gpkg")))
@settings(max_examples=500, deadline=None)
def test_an_edited_plant_is_what_is_read_again_soak(seed: int, version: Version, suffix: str) -> None:
    edited_and_back(seed, version, suffix)


# ── damaged rows ─────────────────────────────────────────────────────────────────────────────────

ODD = ("0", "-1", "1e9", "x y", "é/", "9" * 300, "12.5", "nan")


def still_a_network(seed: int) -> None:
    """Cells emptied, exchanged and overwritten, rows lost and doubled: what is made of it validates."""
    rng = random.Random(seed)
    made = town()
    cells = [(row, key) for rows in made.tables.values() for row in rows for key in row if key != "geom"]
    values = [row[key] for row, key in cells]
    for row, key in rng.sample(cells, rng.randint(1, 12)):
        row[key] = rng.choice(("", "", rng.choice(values), rng.choice(values), rng.choice(ODD)))
    for rows in made.tables.values():
        if len(rows) > 1 and rng.random() < 0.1:
            rows.pop(rng.randrange(len(rows)))
        if rng.random() < 0.1:
            rows.append(dict(rng.choice(rows)))
    with folder() as place:
        import_gracethd(made.write_folder(place / "delivery"), place / "network", snap=rng.choice((0, 0.1)))
        load_network(place / "network")  # raises where anything is wrong


@given(SEEDS)
@example(661)  # a sheath of 300 digits
@settings(max_examples=8, deadline=None)
def test_any_rows_make_a_network_that_validates(seed: int) -> None:
    still_a_network(seed)


@pytest.mark.soak
@given(SEEDS)
@settings(max_examples=3000, deadline=None)
def test_any_rows_make_a_network_that_validates_soak(seed: int) -> None:
    still_a_network(seed)


# ── damaged files ────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def deliveries(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    """The town in both forms: name of the form → files."""
    place = tmp_path_factory.mktemp("town")
    files = {path.name: path.read_bytes() for path in town().write_folder(place / "folder").iterdir()}
    return {"folder": files, "gpkg": {"town.gpkg": town().write_package(place / "town.gpkg").read_bytes()}}


def damaged(rng: random.Random, content: bytes) -> bytes:
    """Cut off, overwritten, repeated, or with numbers that are too large."""
    data = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        kind, at = rng.randrange(6), rng.randrange(len(data) + 1) if data else 0
        if kind == 0:
            del data[at:]
        elif kind == 1:
            data[at : at + rng.randint(1, 8)] = rng.randbytes(rng.randint(1, 8))
        elif kind == 2:
            data[at:at] = data[: rng.randint(1, 64)]
        elif kind == 3:
            data[at : at + 4] = rng.choice(
                (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f", bytes(4))
            )
        elif kind == 4:
            del data[at : at + rng.randint(1, 64)]
        else:
            data[at:at] = rng.choice((b'"', b";", b"\n", b"\0", b"\xe9", b"\\", b"\r", b"1e999"))
    return bytes(data)


def survives(files: dict[str, bytes], form: str, rng: random.Random) -> None:
    """An import of damaged files makes a network, or says why not; it never breaks off otherwise."""
    with folder() as made:
        source = made / "delivery" if form == "folder" else made
        source.mkdir(exist_ok=True)
        hit = rng.sample(sorted(files), min(len(files), rng.randint(1, 3)))
        for name, content in files.items():
            (source / name).write_bytes(damaged(rng, content) if name in hit else content)
        said: tuple[object, ...] = ()
        try:
            import_gracethd(source if form == "folder" else source / "town.gpkg", made / "network")
        except InputError as error:
            said = error.diagnostics
        assert bool(said) != (made / "network").exists()


@pytest.mark.parametrize("form", ["folder", "gpkg"])
@given(seed=SEEDS)
@settings(max_examples=12, deadline=None)
def test_damaged_files(deliveries: dict[str, dict[str, bytes]], form: str, seed: int) -> None:
    survives(deliveries[form], form, random.Random(seed))


@pytest.mark.soak
@pytest.mark.parametrize("form", ["folder", "gpkg"])
@given(seed=SEEDS)
@settings(max_examples=5000, deadline=None)
def test_damaged_files_soak(deliveries: dict[str, dict[str, bytes]], form: str, seed: int) -> None:
    survives(deliveries[form], form, random.Random(seed))

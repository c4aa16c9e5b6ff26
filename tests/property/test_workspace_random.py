"""Whatever stands in a file, loading ends in a network or in diagnostics; and load ∘ dump is the identity."""

from __future__ import annotations

import json
import string
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from workspace_folder import FILES, write

from sdnctl.errors import Diagnostic, Diagnostics, InputError
from sdnctl.intents.models import Application, ClassesFile, TenantsFile
from sdnctl.inventory.files import FILES as INVENTORY
from sdnctl.inventory.models import EndpointRow, SegmentFeature
from sdnctl.topology.models import LinksFile, MaintenanceFile
from sdnctl.workspace.convention import kind_of
from sdnctl.workspace.dump import dump_csv, dump_geojson, dump_yaml
from sdnctl.workspace.folder import load_network
from sdnctl.workspace.settings import NetworkFile
from sdnctl.workspace.tables import parse_csv, parse_geojson
from sdnctl.workspace.validate import validate
from sdnctl.workspace.yaml import parse_yaml


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield write(Path(name))


def load_with(folder: Path, file: str, content: bytes) -> list[str]:
    """Load with one file replaced: codes of the diagnostics; each must be fit to be shown."""
    path = folder / file
    before = path.read_bytes() if path.exists() else None
    path.write_bytes(content)
    found: tuple[Diagnostic, ...] = ()
    try:
        load_network(folder)
    except InputError as error:
        found = error.diagnostics or (Diagnostic("nothing-said", ""),)
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)
    for one in found:
        assert one.summary
        assert one.hint
        assert one.source is not None
        str(one).encode()
    return [one.code for one in found]


files = st.sampled_from(
    [
        *FILES,
        "inventory/segments.geojson",
        "inventory/closures.yaml",
        "topology/maintenance.yaml",
        *(file for file in INVENTORY if file.endswith(".csv")),
    ]
)


@given(files, st.binary(max_size=200))
@settings(max_examples=60)
@example("network.yaml", b"name: \xff")
@example("intents/video.yaml", b"\x00")
def test_any_bytes_in_any_file_give_a_network_or_diagnostics(folder: Path, file: str, content: bytes) -> None:
    load_with(folder, file, content)


@given(files, st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,?~ \n\t01.", max_size=80))
@settings(max_examples=60)
def test_any_punctuation_in_any_file_gives_a_network_or_diagnostics(folder: Path, file: str, text: str) -> None:
    load_with(folder, file, text.encode())


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(
        ["NO", "12:30", "", "a", "1 Gbit/s", "sw-a:1", "10 ms", "0 m", "99999999999999999 PB", "tree"]
    )
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "a", "kind"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@given(st.data())
@settings(max_examples=120)
def test_any_value_in_any_place_gives_a_network_or_diagnostics(folder: Path, data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(sorted(name for name in FILES if name.endswith(".yaml"))))
    tree = parse_yaml(FILES[file], file, Diagnostics())
    assert tree is not None
    raw = {"root": tree.plain()}
    path = data.draw(st.sampled_from(sorted(places(raw["root"], ("root",)), key=str)))
    target: Any = raw
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = data.draw(values)
    load_with(folder, file, json.dumps(raw["root"], ensure_ascii=False).encode("utf-8", "replace"))


@given(st.lists(st.lists(st.text(max_size=6), min_size=9, max_size=9), max_size=4))
@settings(max_examples=40)
def test_any_cells_give_a_network_or_diagnostics(folder: Path, rows: list[list[str]]) -> None:
    header = FILES["inventory/endpoints.csv"].splitlines()[0]
    quoted = ("".join((",".join('"' + cell.replace('"', '""') + '"' for cell in row)) + "\n") for row in rows)
    text = header + "\n" + "".join(quoted)
    load_with(folder, "inventory/endpoints.csv", text.encode("utf-8", "replace"))


TABLES = sorted(file for file in INVENTORY if file.endswith(".csv"))
telling = st.sampled_from(
    [
        "",
        "x",
        "sw-a",
        "alpha",
        "1",
        "1-3",
        "c:1-2",
        "c/a:3",
        "odf:1",
        "sw-a:1/tx",
        "x;y",
        "3 m",
        "0.1 dB",
        "planned",
    ]
)


@given(st.sampled_from(TABLES), st.data())
@settings(max_examples=60)
def test_any_cells_of_any_table_give_a_network_or_diagnostics(
    folder: Path, file: str, data: st.DataObject
) -> None:
    model = INVENTORY[file].model
    needed = [name for name, field in model.model_fields.items() if field.is_required()]
    header = data.draw(
        st.permutations(sorted({*needed, *data.draw(st.sets(st.sampled_from([*model.model_fields])))}))
    )
    rows = data.draw(st.lists(st.lists(telling, min_size=len(header), max_size=len(header)), max_size=4))
    text = "".join(",".join(cells) + "\n" for cells in [header, *rows])
    load_with(folder, file, text.encode())


# ── load ∘ dump ──────────────────────────────────────────────────────────────────────────────────

ids = st.text(string.ascii_letters + string.digits, min_size=1, max_size=6).map(lambda text: f"x{text}")
awkward = st.sampled_from(
    ["1e3", "NO", "12", "12:30", "017", "0x1", "true", "null", "1.5", "0o7", "-", "2024-01-01"]
)
names = ids | awkward.filter(str.isalnum)
words = awkward.filter(lambda text: text != "-") | st.text(string.ascii_lowercase + "é:#", min_size=1, max_size=6)
notes = awkward | st.text(max_size=30)
rates = st.integers(0, 10**12).map(lambda number: f"{number} bit/s")
lengths = st.integers(0, 10**6).map(lambda number: f"{number} m")
delays = st.integers(0, 10**6).map(lambda number: f"{number} us")
octets = st.integers(0, 9000).map(lambda number: f"{number} B")
ports = st.builds("{}:{}".format, ids, st.integers(1, 0xFEFF))


def mapping(
    required: dict[str, st.SearchStrategy[Any]], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(required, optional=optional)


def some(strategy: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[Any]:
    return st.lists(strategy, min_size=least, max_size=3)


criteria = {"ids": some(names), "kind": some(words, 1), "site": names, "tags": some(words)}
selectors = mapping({"kind": words}, select=mapping({}, **criteria), ids=some(names))
both_rates = rates | mapping({"up": rates, "down": rates})
guarantees = mapping(
    {},
    latency=delays,
    protection=st.sampled_from(["none", "local", "node", "disjoint"]),
    avoid=some(ids | ids.map(lambda name: f"segment:{name}")),
    isolation=st.sampled_from(["shared", "exclusive"]),
)
terms = {"bandwidth": both_rates, "excess": both_rates, "guarantees": guarantees, "mtu": octets, "note": notes}
MODELS: dict[type[Any], st.SearchStrategy[Any]] = {
    NetworkFile: mapping(
        {"name": names},
        mtu=octets,
        labels=mapping({}, trunk=st.just("16-99"), bypass=st.just("100 - 1048575")),
        lead_in=lengths,
        bfd_interval=delays,
        hold_down=delays,
        crisis_profile=names,
        note=notes,
    ),
    LinksFile: mapping(
        {},
        links=some(
            mapping(
                {"id": names},
                a=ports,
                b=ports,
                length=lengths,
                delay=delays,
                capacity=rates,
                mtu=octets,
                srlgs=some(names),
            )
        ),
        srlgs=some(mapping({"id": names}, links=some(names), nodes=some(names), metres=lengths, note=notes)),
    ),
    MaintenanceFile: mapping(
        {},
        out_of_service=some(
            mapping(
                {"link": names, "reason": notes.filter(bool)}, until=st.dates().map(lambda day: day.isoformat())
            )
            | mapping({"node": names, "reason": notes.filter(bool)})
        ),
    ),
    ClassesFile: mapping(
        {},
        classes=some(
            mapping(
                {
                    "id": names,
                    "tc": st.integers(0, 7),
                    "queue": st.integers(0, 7),
                    "dscp": st.sampled_from(["EF", 5, "CS6"]),
                },
                protected=st.booleans(),
                latency=delays,
                note=notes,
            )
        ),
        crisis_profiles=some(mapping({"id": names, "order": some(names, 1)}, note=notes)),
    ),
    TenantsFile: mapping(
        {}, tenants=some(mapping({"id": names}, name=notes, quota=rates, max_endpoints=st.integers(0, 10**6)))
    ),
    Application: mapping(
        {"application": names, "tenant": names, "class": names, "service": st.sampled_from(["line", "tree"])},
        roots=selectors,
        leaves=selectors,
        circuits=some(mapping({"id": names, "a": names, "b": names}, **terms)),
        owner=notes,
        **terms,
    ),
}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_yaml_models_survive_dump_and_load(model: type[Any]) -> None:
    @given(MODELS[model])
    @settings(max_examples=60)
    def survives(raw: Any) -> None:
        value = model.model_validate_json(json.dumps(raw), strict=True)
        text = dump_yaml(value)
        out = Diagnostics()
        tree = parse_yaml(text, "f.yaml", out, may_be_empty=True)
        checked = validate(tree, model, "f.yaml", out).document if tree is not None else None
        assert not out.errors, (text, out.errors)
        assert checked is not None
        assert checked.value == value
        assert dump_yaml(checked.value) == text

    survives()


cells = st.text(string.ascii_letters + " \",;\n'é", max_size=8).map(str.strip)


@given(
    st.lists(
        mapping(
            {
                "id": names,
                "site": names,
                "device": names,
                "port": st.integers(1, 60_000),
                "kind": cells.filter(bool),
            },
            vlan=st.integers(1, 4094),
            mac=st.integers(1, 2**48 - 1).map(
                lambda mac: ":".join(f"{mac >> s & 255:02X}" for s in range(40, -1, -8))
            ),
            prefixes=st.lists(
                st.sampled_from(["10.0.0.0/8", "2001:db8::/64", "192.0.2.1/32"]), max_size=3, unique=True
            ).map(";".join),
            tags=some(st.text(string.ascii_letters, min_size=1, max_size=4)).map(";".join),
            owner=cells.filter(bool),
            status=st.sampled_from(["planned", "in-service"]),
            valid_from=st.dates().map(lambda day: day.isoformat()),
        ),
        max_size=4,
    )
)
@settings(max_examples=60)
def test_csv_rows_survive_dump_and_load(raws: list[Any]) -> None:
    rows = tuple(EndpointRow.model_validate(raw) for raw in raws)
    out = Diagnostics()
    again = parse_csv(dump_csv(rows, EndpointRow), EndpointRow, "inventory/endpoints.csv", out)
    assert not out.items
    assert again is not None
    assert again.document.value == rows


life = {
    "owner": cells.filter(bool),
    "manager": cells.filter(bool),
    "status": st.sampled_from(["planned", "in-service", "abandoned"]),
    "valid_from": st.dates().map(lambda day: day.isoformat()),
    "valid_to": st.dates().map(lambda day: day.isoformat()),
    "source": cells.filter(bool),
}
several = st.lists(names, max_size=4).map(";".join)
ranges = st.sampled_from(["1-12", "7", "1,5-6", "12-23", "2,4,1"])
pairs = ranges.flatmap(
    lambda text: st.tuples(
        ids.map(lambda cable: f"{cable}:{text}"), st.tuples(ids, st.sampled_from(["", "/a"])), st.just(text)
    ).map(lambda three: (three[0], f"{three[1][0]}{three[1][1]}:{three[2]}"))
)
ends = st.builds("{}:{}".format, ids, st.integers(1, 99)) | st.builds("{}/{}".format, ids, st.just("in"))
losses = st.integers(-50, 900).map(lambda hundredths: f"{hundredths / 100} dB")
way = st.fixed_dictionaries({}, optional={"tx": ends, "rx": ends}) | st.fixed_dictionaries({"bidi": ends})
ROWS: dict[str, st.SearchStrategy[Any]] = {
    "ducts.csv": mapping({"id": names}, segments=several, parent=names, diameter=lengths, **life),
    "cables.csv": mapping(
        {"id": names, "type": names, "a": names, "b": names}, route=several, sheath=lengths, **life
    ),
    "closures.csv": mapping({"id": names, "at": names}, **life),
    "splices.csv": st.tuples(
        names, pairs, mapping({}, loss=losses, **life) | mapping({}, loss_ab=losses, loss_ba=losses, **life)
    ).map(lambda parts: {"closure": parts[0], "a": parts[1][0], "b": parts[1][1], **parts[2]}),
    "terminations.csv": st.tuples(names, pairs, mapping({}, **life)).map(
        lambda parts: {
            "odf": parts[0],
            "positions": parts[1][0].split(":")[1],
            "strands": parts[1][1],
            **parts[2],
        }
    ),
    "ports.csv": st.tuples(
        mapping(
            {"switch": names, "port": st.integers(1, 0xFEFF).map(str)},
            transceiver=names,
            rate=rates,
            mtu=octets,
            link=names,
            **life,
        ),
        way,
    ).map(lambda parts: {**parts[0], **parts[1]}),
    "jumpers.csv": mapping({"a": ends, "b": ends}, length=lengths, **life),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_of_tables_survive_dump_and_load(name: str) -> None:
    file = f"inventory/{name}"
    model = INVENTORY[file].model

    @given(st.lists(ROWS[name], max_size=4))
    @settings(max_examples=40)
    def survive(raws: list[Any]) -> None:
        rows = tuple(model.model_validate(raw) for raw in raws)
        out = Diagnostics()
        text = dump_csv(rows, model)
        again = parse_csv(text, model, file, out)
        assert not out.items, text
        assert again is not None
        assert again.document.value == rows
        assert dump_csv(again.document.value, model) == text

    survive()


@given(
    st.lists(
        mapping(
            {
                "id": names,
                "a": names,
                "b": names,
                "coordinates": st.lists(
                    st.tuples(st.floats(-180, 180), st.floats(-90, 90)).map(list), min_size=2, max_size=4
                ),
            },
            length=lengths,
            owner=notes,
            kind=st.sampled_from(["trench", "sewer"]),
        ),
        max_size=3,
    )
)
@settings(max_examples=60)
def test_features_survive_dump_and_load(raws: list[Any]) -> None:
    rows = tuple(SegmentFeature.model_validate_json(json.dumps(raw), strict=True) for raw in raws)
    out = Diagnostics()
    again = parse_geojson(dump_geojson(rows), SegmentFeature, "inventory/segments.geojson", out)
    assert not out.items
    assert again is not None
    assert again.document.value == rows


def test_every_file_of_the_fixture_is_of_the_convention() -> None:
    assert all(kind_of(file) for file in FILES)

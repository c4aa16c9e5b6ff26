"""NetBox: exports that its import forms and API would take, no changes without a change, and the way back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from exchange_files import TOPOHUB
from inventory_support import EXAMPLES
from netbox_fields import check_rest, check_tables
from sdnctl_in_process import sdnctl

from sdnctl.errors import Diagnostics, InputError
from sdnctl.exchange.netbox.model import Numbers
from sdnctl.exchange.netbox.records import model_of, read_records
from sdnctl.inventory.links import optical_links
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging_netbox import export_netbox, import_netbox
from sdnctl.usecases.exchanging_topology import import_topology
from sdnctl.usecases.planning import compile_folder, proven


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def tables(folder: Path) -> dict[str, bytes]:
    return {name: content for name, content in files(folder).items() if name.endswith(".csv")}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small example, strands and all, for NetBox."""
    folder = tmp_path_factory.mktemp("netbox") / "small"
    export_netbox(Context(EXAMPLES / "small"), folder)
    return folder


# ── out ──────────────────────────────────────────────────────────────────────────────────────────


def test_tables_are_what_the_import_forms_take(small: Path) -> None:
    found = check_tables(tables(small))
    plant = Context(EXAMPLES / "small").loaded.plant
    assert len(found["sites"]) == len(plant.sites)
    assert {row["name"] for row in found["devices"]} >= {*plant.switches, *plant.odfs}
    assert len(found["front-ports"]) >= len(plant.terminations)
    named = {row["device_type"] for row in found["devices"]}
    assert "OpenFlow switch" in named
    assert any(row["side_a_type"] == "dcim.rearport" for row in found["cables"]), "glass between frames"


def test_bodies_are_what_the_api_takes(small: Path) -> None:
    document = check_rest((small / "rest.json").read_bytes())
    both = [one for one in document["dcim/cables"] if len(one["b_terminations"]) == 2]
    assert both, "a port with two strands has two ends on one side"
    assert all(one["length_unit"] for one in document["dcim/cables"] if one["length"] is not None)


def test_a_second_export_changes_nothing_and_ids_stay(small: Path, tmp_path: Path) -> None:
    before = files(small)
    again = export_netbox(Context(EXAMPLES / "small"), small)
    assert again.changed == ()
    assert files(small) == before
    left = {item.code for item in again.findings}
    assert {"left-out", "one-end-in-csv"} <= left
    numbers, others = Numbers(), Numbers()
    others.of("dcim/sites", "new")
    assert numbers.of("dcim/sites", "a") == others.of("dcim/sites", "a"), "whatever else there is"
    assert len({numbers.of("x", str(one)) for one in range(10_000)}) == 10_000


def test_long_links_and_doubtful_names_fit(tmp_path: Path) -> None:
    text = TOPOHUB.replace('"dist": 130.5', '"dist": 8285.99').replace('"name": "C"', '"name": "Zürich/Ü 1"')
    (tmp_path / "t.json").write_text(text, encoding="utf-8")
    import_topology(tmp_path / "t.json", tmp_path / "net")
    equipment = tmp_path / "net" / "inventory" / "equipment.yaml"
    equipment.write_text(equipment.read_text().replace('id: "a"', 'id: "a.b"'))
    for name in ("topology/links.yaml", "inventory/endpoints.csv"):
        path = tmp_path / "net" / name
        path.write_text(path.read_text().replace('"a:', '"a.b:').replace(",a,a,", ",a,a.b,"))
    export_netbox(Context(tmp_path / "net"), tmp_path / "nb")
    found = check_tables(tables(tmp_path / "nb"))
    check_rest((tmp_path / "nb" / "rest.json").read_bytes())
    assert ("8285.99", "km") in {(row["length"], row["length_unit"]) for row in found["cables"]}


# ── and back ─────────────────────────────────────────────────────────────────────────────────────


def test_the_links_come_back_through_frames_and_strands(small: Path, tmp_path: Path) -> None:
    result = import_netbox(small, tmp_path / "net")
    loaded = Context(tmp_path / "net").loaded
    plant = Context(EXAMPLES / "small").loaded.plant
    wanted = {frozenset((one.a.switch, one.b.switch)) for one in optical_links(plant)[0]}
    links = loaded.network.topology.links
    assert {frozenset(one.nodes) for one in links.values()} == wanted
    assert result.counts["links"] == len(links)
    assert {one.id: one.dpid for one in plant.switches.values()} == {
        one.id: one.dpid for one in loaded.plant.switches.values()
    }
    assert {one.id: one.feeder for one in plant.sites.values()} == {
        one.id: one.feeder for one in loaded.plant.sites.values()
    }
    lengths: dict[frozenset[str], list[float]] = {}
    for one in optical_links(plant)[0]:
        lengths.setdefault(frozenset((one.a.switch, one.b.switch)), []).append(one.length)
    for link in links.values():
        near = [abs(link.length - length) for length in lengths[frozenset(link.nodes)]]
        assert min(near) < 60, "a jumper and the longest of the strands more or less"


def test_waves_come_out_of_the_same_channel_and_splitters_are_told(tmp_path: Path) -> None:
    """Three links on one pair of strands through muxes, and one that a splitter would join to two ports."""
    export_netbox(Context(EXAMPLES / "small-plant"), tmp_path / "nb")
    check_tables(tables(tmp_path / "nb"))
    check_rest((tmp_path / "nb" / "rest.json").read_bytes())
    result = import_netbox(tmp_path / "nb", tmp_path / "net")
    here = Context(tmp_path / "net").loaded.network.topology.links
    there = Context(EXAMPLES / "small-plant").loaded.network.topology.links
    assert {frozenset(map(str, (one.a, one.b))) for one in here.values()} == {
        frozenset(map(str, (one.a, one.b))) for one in there.values()
    }
    assert [item.address or item.code for item in result.findings if "would be joined" in item.summary]


def test_export_import_export_of_a_network_of_links(tmp_path: Path) -> None:
    export_netbox(Context(EXAMPLES / "small-links"), tmp_path / "one")
    import_netbox(tmp_path / "one", tmp_path / "net")
    for source in ("net", "net2"):
        export_netbox(Context(tmp_path / source), tmp_path / f"from-{source}")
        if source == "net":
            import_netbox(tmp_path / "from-net", tmp_path / "net2")
    assert files(tmp_path / "from-net") == files(tmp_path / "from-net2")
    context = Context(tmp_path / "net")
    there = Context(EXAMPLES / "small-links").loaded.network.topology.links
    here = context.loaded.network.topology.links
    assert {key: (one.a, one.b, one.length, one.capacity) for key, one in here.items()} == {
        key: (one.a, one.b, one.length, one.capacity) for key, one in there.items()
    }
    assert not proven(compile_folder(context, "none")).violations


def api(folder: Path, **pages: list[dict[str, Any]]) -> Path:
    """Pages as GET of the API gives them, a file per model."""
    folder.mkdir()
    for model, results in pages.items():
        page = {"count": len(results), "next": None, "previous": None, "results": results}
        (folder / f"{model.replace('_', '-')}.json").write_text(json.dumps(page, indent=1))
    return folder


def pages() -> dict[str, list[dict[str, Any]]]:
    def interface(number: int, device: int, name: str, speed: int | None = None) -> dict[str, Any]:
        kind = {"value": "10gbase-x-sfpp", "label": "SFP+ (10GE)"}
        return {
            "id": number,
            "device": {"id": device, "name": f"r{device}"},
            "name": name,
            "type": kind,
            "speed": speed,
        }

    def end(number: int) -> dict[str, Any]:
        return {"object_type": "dcim.interface", "object_id": number}

    def cable(number: int, a: int, b: int, **more: Any) -> dict[str, Any]:
        return {"id": number, "a_terminations": [end(a)], "b_terminations": [end(b)], **more}

    status = {"value": "active", "label": "Active"}
    return {
        "sites": [
            {
                "id": 1,
                "name": "Paris 1",
                "slug": "paris-1",
                "status": status,
                "latitude": 48.85,
                "longitude": 2.35,
            },
            {"id": 2, "name": "Lyon", "slug": "lyon", "status": status, "latitude": "45.75", "longitude": "4.85"},
        ],
        "devices": [
            {
                "id": 1,
                "name": "r1",
                "site": {"id": 1, "name": "Paris 1"},
                "role": {"name": "core"},
                "status": status,
            },
            {"id": 2, "name": "r2", "site": 2, "device_role": {"name": "core"}, "status": status},
            {"id": 3, "name": None, "site": 2, "status": {"value": "failed"}},
        ],
        "interfaces": [
            interface(10, 1, "Ethernet1/1", 10_000_000),
            interface(11, 1, "Ethernet2/1"),
            interface(12, 1, "mgmt"),
            interface(20, 2, "xe-0/0/7"),
            interface(21, 2, "xe-0/0/8"),
        ],
        "cables": [
            cable(1, 10, 20, length=12.5, length_unit={"value": "km"}, label="P-L 1", status=status),
            cable(2, 11, 21),
            {"id": 3, "a_terminations": [{"object_type": "dcim.powerport", "object_id": 5}], "b_terminations": []},
        ],
        "power_ports": [{"id": 5}],
    }


def test_pages_of_the_api_become_a_network(tmp_path: Path) -> None:
    result = import_netbox(api(tmp_path / "api", **pages()), tmp_path / "net")
    links = Context(tmp_path / "net").loaded.network.topology.links
    assert sorted(links) == ["r1--r2", "r1--r2-2"]
    assert [(one.length, one.capacity) for one in links.values()] == [
        (12_500, 10_000_000_000),
        (pytest.approx(391_000, rel=0.01), 10_000_000_000),
    ]
    assert {str(one.b) for one in links.values()} == {"r2:7", "r2:8"}
    found = {item.code for item in result.findings}
    assert found == {"derived-dpid", "derived-link", "derived-port", "devices-left-out", "model-left-out"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda found: found["cables"][0]["a_terminations"][0].update(object_id=99), "dangling-reference"),
        (lambda found: found["devices"][0].update(site="Nowhere"), "dangling-reference"),
        (lambda found: found["devices"].append(found["devices"][0]), "duplicate-name"),
        (lambda found: found["sites"][0].update(latitude="north"), "bad-value"),
        (lambda found: found["sites"][0].update(latitude=123.0), "bad-value"),
        (lambda found: found.update(sites=[]), "dangling-reference"),
        (lambda found: found.update(sites=[], devices=[], interfaces=[], cables=[]), "nothing-recognised"),
    ],
)
def test_what_does_not_fit_is_refused_with_file_and_line(change: Any, code: str, tmp_path: Path) -> None:
    found = pages()
    change(found)
    with pytest.raises(InputError) as caught:
        import_netbox(api(tmp_path / "api", **found), tmp_path / "net")
    assert code in {item.code for item in caught.value.diagnostics}
    assert not (tmp_path / "net").exists()
    if code != "nothing-recognised":
        assert all(item.source and item.source.line for item in caught.value.diagnostics)


def test_faulty_tables_are_refused(small: Path, tmp_path: Path) -> None:
    for number, (name, old, new) in enumerate(
        [
            ("05-devices.csv", b"core-a,", b'"core-a,'),
            ("06-interfaces.csv", b"core-a,1,", b"core-a,1,1,"),
            ("01-sites.csv", b"name,slug", b"\xff\xfe,slug"),
        ]
    ):
        source = tmp_path / f"in{number}"
        source.mkdir()
        for file, content in tables(small).items():
            (source / file).write_bytes(content.replace(old, new, 1) if file == name else content)
        with pytest.raises(InputError) as caught:
            import_netbox(source, tmp_path / "net")
        assert {"csv-syntax", "bad-row", "not-utf8"} & {item.code for item in caught.value.diagnostics}


def test_a_table_that_never_ends_has_a_line() -> None:
    out = Diagnostics()
    read_records({"sites.csv": b'"'}, out)
    assert [(item.code, str(item.source)) for item in out] == [("csv-syntax", "sites.csv:1")]


def test_models_are_told_from_names() -> None:
    names = (
        "01-sites.csv",
        "sites.json",
        "dcim_sites.json",
        "dcim/sites",
        "dcim/sites/",
        "02 sites.csv",
        "Sites.CSV",
    )
    assert {model_of(name) for name in names} == {"sites"}
    assert model_of("dcim_front_ports.json") == model_of("08-front-ports.csv") == "front-ports"


# ── restricted sites ─────────────────────────────────────────────────────────────────────────────


def test_redaction_leaves_no_trace_of_a_restricted_site(tmp_path: Path) -> None:
    from shutil import copytree

    copytree(EXAMPLES / "small", tmp_path / "net")
    sites = tmp_path / "net" / "inventory" / "sites.yaml"
    text = sites.read_text(encoding="utf-8")
    assert text.count("id: exchange\n") == 1
    sites.write_text(text.replace("id: exchange\n", "id: exchange\n    restricted: true\n"), encoding="utf-8")
    plant = Context(tmp_path / "net").loaded.plant
    inside = {one.id for one in plant.switches.values() if one.site == "exchange"}
    inside |= {one.id for one in plant.odfs.values() if one.site == "exchange"}
    assert inside
    result = export_netbox(Context(tmp_path / "net"), tmp_path / "out", redacted=True)
    check_tables(tables(tmp_path / "out"))
    check_rest((tmp_path / "out" / "rest.json").read_bytes())
    whole = "".join(content.decode() for content in files(tmp_path / "out").values()).lower()
    site = plant.sites["exchange"]
    assert site.position is not None
    for word in ("exchange", site.name, *inside, f"{site.position[1]}"):
        assert word.lower() not in whole
    assert {item.code for item in result.findings} >= {"redacted"}


def test_the_verbs(small: Path, tmp_path: Path) -> None:
    done = sdnctl("--format", "json", "import", "netbox", small, tmp_path / "net")
    assert (done.code, done.document["command"]) == (0, "import netbox")
    done = sdnctl("-n", tmp_path / "net", "--format", "json", "export", "netbox", tmp_path / "out")
    assert (done.code, done.document["command"], len(done.document["files"])) == (0, "export netbox", 10)

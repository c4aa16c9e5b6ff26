"""Research topologies: what each format says, what is derived, and that the result validates, compiles and is
proven.

"""

from __future__ import annotations

import importlib.resources
from dataclasses import replace
from pathlib import Path

import pytest
from exchange_files import DEMANDS, FILES, GRAPHML, REPETITA, SNDLIB, TOPOHUB
from sdnctl_in_process import sdnctl

from sdnctl.errors import Diagnostics, InputError
from sdnctl.exchange.topology.formats import read_topology, recognise
from sdnctl.exchange.topology.graph import Graph, Units
from sdnctl.exchange.topology.network import Network, derive
from sdnctl.usecases.context import Context
from sdnctl.usecases.exchanging import Imported
from sdnctl.usecases.exchanging_topology import import_topology
from sdnctl.usecases.planning import compile_folder, proven

SAMPLE = (
    "sndlib/polska",
    "sndlib/di-yuan",
    "sndlib/pdh",
    "topozoo/Aarnet",
    "topozoo/Arpanet19719",
    "topozoo/Grena",
)


def imported(folder: Path, name: str, text: str, **options: object) -> tuple[Imported, Context]:
    """A file imported into ``folder/net``."""
    (folder / name).write_text(text, encoding="utf-8")
    result = import_topology(folder / name, folder / "net", **options)  # type: ignore[arg-type]
    return result, Context(folder / "net")


def derived(text: str, units: Units | None = None) -> tuple[Graph, Network, Diagnostics]:
    out = Diagnostics()
    graph = read_topology(text.encode(), "file", units or Units(), out)
    assert graph is not None, out.items
    return graph, derive(graph, units or Units(), "none", out), out


def codes(out: Diagnostics) -> set[str]:
    return {item.code for item in out}


def refused(text: str | bytes, name: str = "x") -> set[str]:
    """Codes of the faults of a file that cannot be read; each says where."""
    out = Diagnostics()
    read_topology(text if isinstance(text, bytes) else text.encode(), name, Units(), out)
    assert out.errors
    assert all(item.source is not None and item.source.line for item in out.errors)
    return {item.code for item in out.errors}


# ── all formats ──────────────────────────────────────────────────────────────────────────────────


def test_formats_are_recognised_by_content() -> None:
    assert [recognise(text.encode()) for text in FILES.values()] == ["graphml", "sndlib", "repetita", "topohub"]
    assert recognise(b"\xef\xbb\xbf" + GRAPHML.encode()) == "graphml"
    assert recognise(GRAPHML.replace('encoding="utf-8"', "").encode("utf-16")) == "graphml"
    assert recognise(b"graph [ node [ id 0 ] ]") is None
    assert refused("hello") == {"unknown-topology"}


@pytest.mark.parametrize("name", FILES)
def test_every_format_validates_compiles_and_is_proven(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.demands").write_text(DEMANDS)
    result, context = imported(tmp_path, name, FILES[name], invented="ring")
    loaded = context.loaded
    assert not loaded.diagnostics
    network = loaded.network
    assert len(network.topology.nodes) == result.counts["switches"]
    assert len(network.topology.links) == result.counts["links"]
    assert len(network.demands) == 2 * result.counts["circuits"] > 0
    assert not proven(compile_folder(context, "none")).violations
    kept = [tmp_path / "net" / file for file in result.files if file.parts[0] == "source"]
    assert FILES[name] in [path.read_text(encoding="utf-8") for path in kept], "what was read is kept as it is"


def test_names_positions_and_derived_values_are_written(tmp_path: Path) -> None:
    _, context = imported(tmp_path, "zoo.graphml", GRAPHML)
    plant = context.loaded.plant
    assert sorted(plant.sites) == ["alone", "far", "node-2", "none", "sao-paulo", "sao-paulo-2"]
    assert plant.sites["node-2"].name == "東京"
    assert plant.sites["sao-paulo"].position == (-46.63, -23.55)
    assert plant.sites["sao-paulo-2"].position is None
    links = (tmp_path / "net" / "topology" / "links.yaml").read_text()
    assert "length: great circle" in links
    assert "length: the median of the other links" in links
    readme = (tmp_path / "net" / "README.md").read_text()
    for code in ("self-loop", "duplicate-label", "hyperedge", "disconnected", "no-position"):
        assert f"`{code}`" in readme


def test_an_import_is_all_or_nothing(tmp_path: Path) -> None:
    broken = SNDLIB.replace("D1 ( Gdansk Krakow )", "D1 ( Gdansk Nowhere )")
    with pytest.raises(InputError, match="dangling-demand"):
        imported(tmp_path, "net.txt", broken)
    assert not (tmp_path / "net").exists()
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "mine").write_text("")
    with pytest.raises(InputError, match="folder-not-empty"):
        imported(tmp_path, "net.txt", SNDLIB)


def test_the_verb_says_what_it_did_and_what_is_next(tmp_path: Path) -> None:
    (tmp_path / "a b.json").write_text(TOPOHUB)
    done = sdnctl("--format", "json", "import", "topology", tmp_path / "a b.json", tmp_path / "net")
    assert (done.code, done.document["command"], done.document["counts"]["links"]) == (0, "import topology", 3)
    assert "duplicate-label" in {item["code"] for item in done.document["diagnostics"]}
    assert sdnctl("-n", tmp_path / "net", "validate").code == 0
    assert sdnctl("import", "topology", tmp_path / "no", tmp_path / "n2").code == 1
    assert sdnctl("import", "topology", tmp_path / "a b.json", tmp_path / "n2", "--plane", "5").code == 64
    assert (
        sdnctl("import", "topology", tmp_path / "a b.json", tmp_path / "n2", "--rate-unit", "0 bit/s").code == 64
    )


# ── Topology Zoo ─────────────────────────────────────────────────────────────────────────────────


def test_zoo_speeds_parallel_links_and_hyperedges() -> None:
    graph, network, out = derived(GRAPHML)
    assert graph.name == "Réseau d'essai"
    assert [wire.id for wire in network.links] == [
        "sao-paulo--node-2",
        "sao-paulo--node-2-2",
        "sao-paulo--none",
        "sao-paulo-2--none",
        "far--none",
    ]
    assert [wire.capacity for wire in network.links[:4]] == [2.5e9, 2_488_320_000, 155e6, 10e9]
    assert "label '2x STM-16'" in network.links[1].how["capacity"]
    assert graph.nodes[4].role == "external"
    assert {"self-loop", "hyperedge", "disconnected", "duplicate-label", "no-position"} <= codes(out)


def test_zoo_hyperedge_elements_and_directed_edges() -> None:
    text = GRAPHML.replace("  </graph>", '<hyperedge><endpoint node="0"/><endpoint node="5"/></hyperedge></graph>')
    graph, _, _ = derived(text)
    assert graph.nodes[-1].hub
    assert [(edge.a, edge.b) for edge in graph.edges[-2:]] == [(6, 0), (6, 5)]
    text = GRAPHML.replace("undirected", "directed")
    _, network, out = derived(text)
    assert "one-way-edge" in codes(out)
    assert len(network.links) == 5


def test_zoo_directed_edges_among_others_join_their_way_back() -> None:
    text = (
        '<graphml><graph edgedefault="directed"><node id="a"/><node id="b"/><node id="c"/>'
        '<edge source="a" target="b"/><edge source="b" target="a"/><edge source="b" target="c"/>'
        '<edge source="c" target="a" directed="false"/></graph></graphml>'
    )
    _, network, out = derived(text)
    assert [wire.id for wire in network.links] == ["a--b", "b--c", "c--a"]
    assert "mixed-directions" in codes(out)


def test_sndlib_as_xml_is_told_from_graphml() -> None:
    out = Diagnostics()
    assert read_topology(b'<network xmlns="http://sndlib.zib.de/network"/>', "x.xml", Units(), out) is None
    assert "native" in out.items[0].hint


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE g [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><graphml>&b;</graphml>',
        '<!DOCTYPE g [<!ENTITY x SYSTEM "file:///etc/passwd">]><graphml>&x;</graphml>',
        '<!DOCTYPE g SYSTEM "http://127.0.0.1:1/x.dtd"><graphml/>',
        "<graphml>" * 200,
        "<graphml><graph>",
        "<graphml>&undefined;</graphml>",
        '<?xml version="1.0" encoding="no-such"?><graphml/>',
        "<html/>",
    ],
)
def test_hostile_xml_is_refused_with_its_line(text: str) -> None:
    assert refused(text) <= {"not-graphml"}


def test_zoo_faults_name_their_lines() -> None:
    assert refused(GRAPHML.replace('target="3"', 'target="99"')) == {"dangling-edge"}
    assert refused(GRAPHML.replace('<node id="1">', '<node id="0">')) == {"duplicate-node", "dangling-edge"}
    assert refused("<graphml><graph/></graphml>") == {"no-nodes"}


# ── SNDlib ───────────────────────────────────────────────────────────────────────────────────────


def test_sndlib_units_modules_and_demands() -> None:
    graph, network, out = derived(SNDLIB)
    assert graph.facts["unit"] == "MBITPERSEC"
    capacities = {wire.label: wire.capacity for wire in network.links}
    assert capacities["L1"] == 2.5e9
    assert capacities["L2"] == 5 * 155e6, "for 600 Mbit/s and a quarter more: five at 156, not two at 468"
    assert capacities["L4"] in (100e6, 255e6)
    assert "5 x module of 155 Mbit/s" in network.links[1].how["capacity"]
    assert [(one.up, one.down) for one in network.circuits] == [(195_000_000,) * 2, (600_000_000,) * 2]
    assert {"demand-within-node", "demand-of-nothing"} <= codes(out)
    by_option = derived(SNDLIB, Units(rate=1e9))[1]
    assert by_option.circuits[0].up == 195_000_000_000
    kilo = derived(SNDLIB.replace("MBITPERSEC", "KBITPERSEC"))[1]
    assert kilo.circuits[0].up == 195_000
    assert "implausible-rates" in codes(derived(SNDLIB, Units(rate=1e12))[2])
    assert "implausible-rates" not in codes(out)
    assert "unknown-unit" in codes(derived(SNDLIB.replace("MBITPERSEC", "FURLONGS"))[2])


def test_sndlib_both_directions_are_one_circuit() -> None:
    text = SNDLIB.replace("D3 ( Warsaw Warsaw ) 1 10.00", "D3 ( Krakow Gdansk ) 1 10.00")
    _, network, _ = derived(text)
    assert (network.circuits[0].up, network.circuits[0].down) == (195_000_000, 10_000_000)
    assert network.circuits[1].down == 1_000, "a directed demand asks for nothing back"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("L1 ( Gdansk Warsaw ) 2500.00 0.00 0.00 0.00", "L1 ( Gdansk Warsaw ) 2500.00 0.00 x 0.00", "bad-link"),
        ("( 155.00 156.00 622.00 468.00 )", "( 155.00 156.00 622.00 )", "bad-link"),
        ("L1 ( Gdansk Warsaw )", "L1 ( Gdansk )", "bad-link"),
        ("D1 ( Gdansk Krakow ) 1 195.00", "D1 ( Gdansk Krakow ) 1 many", "bad-demand"),
        ("  Krakow ( 19.80 50.00 )", "  Gdansk ( 19.80 50.00 )", "duplicate-node"),
        ("ADMISSIBLE_PATHS (", "ADMISSIBLE_PATHS (((", "not-sndlib"),
        ("type: network", "type: solution", "not-sndlib"),
        ("LINKS (", "LINKZ (", "not-sndlib"),
    ],
)
def test_sndlib_faults(old: str, new: str, code: str) -> None:
    assert old in SNDLIB
    assert code in refused(SNDLIB.replace(old, new))


# ── REPETITA ─────────────────────────────────────────────────────────────────────────────────────


def test_repetita_arcs_delays_and_the_file_beside(tmp_path: Path) -> None:
    (tmp_path / "x.0001.demands").write_text(DEMANDS)
    (tmp_path / "x.0000.demands").write_text(DEMANDS)
    result, context = imported(tmp_path, "x.graph", REPETITA)
    found = {item.code for item in result.findings}
    assert {"several-demands", "directions-differ", "one-way-edge", "disconnected", "demand-cut-off"} <= found
    links = context.loaded.network.topology.links
    assert sorted(links) == ["0_paris--1_lyon", "0_paris--1_lyon-2", "1_lyon--2_nice", "2_nice--0_paris"]
    assert (links["1_lyon--2_nice"].capacity, links["1_lyon--2_nice"].delay) == (622_080_000, 950)
    assert links["0_paris--1_lyon"].capacity == 9_953_280_000
    demands = {one.id: one.cir for one in context.loaded.network.demands}
    assert sorted(demands.values()) == [1_000, 7_000, 40_000_000, 100_000_000]


def test_repetita_without_positions_has_lengths_from_delays() -> None:
    text = "\n".join(
        line.rsplit(" ", 2)[0] + " 0.0 0.0" if line[:2] in ("0_", "1_", "2_", "3_") else line
        for line in REPETITA.splitlines()
    )
    _, network, _ = derived(text)
    assert network.links[0].how["length"] == "from the delay, as light in glass"
    assert network.links[0].length == pytest.approx(1913 * 299.792458 / 1.4682, abs=1)
    _, network, _ = derived(text, Units(delay=1000.0))
    assert network.links[0].delay == 1_913_000


def test_repetita_blank_lines_ends_of_lines_and_comments() -> None:
    _, plain, _ = derived(REPETITA)
    for text in (
        REPETITA.replace("\n", "\n\n"),
        REPETITA.replace("\n", "\r\n"),
        "# made by hand\n\n" + REPETITA.replace("EDGES", "# arcs\nEDGES"),
    ):
        _, network, _ = derived(text)
        assert network.links == [
            replace(one, line=other.line) for one, other in zip(plain.links, network.links, strict=True)
        ]


def test_repetita_faults() -> None:
    assert refused(REPETITA.replace("EDGES 7", "EDGES 8")) == {"count-differs"}
    assert refused(REPETITA.replace("edge_0 0 1", "edge_0 0 9")) == {"dangling-edge"}
    assert refused(REPETITA.replace("edge_0 0 1 10", "edge_0 0 1")) == {"bad-row"}
    assert refused(REPETITA.split("EDGES")[0]) == {"not-repetita"}
    assert refused(REPETITA.replace("2.35 48.85", "east 48.85")) == {"bad-row"}


# ── topohub ──────────────────────────────────────────────────────────────────────────────────────


def test_topohub_lengths_demands_and_drawings() -> None:
    _, network, out = derived(TOPOHUB)
    assert [wire.length for wire in network.links] == [130_500, 170_430, 162_650]
    assert [(one.up, one.down) for one in network.circuits] == [(195_000_000, 20_000_000), (5_000_000, 5_000_000)]
    assert network.names == ["a", "a-2", "c"]
    drawing = TOPOHUB.replace("54.2]", "420]")
    _, network, out = derived(drawing)
    assert "positions-in-plane" in codes(out)
    assert network.links[0].length == pytest.approx(366_900, rel=1e-3)
    _, network, out = derived(drawing, Units(plane=10.0))
    assert "positions-in-plane" not in codes(out)
    assert network.links[0].length == pytest.approx(3_669, rel=1e-3)


def test_topohub_faults() -> None:
    assert refused(TOPOHUB[:-30]) == {"json-syntax"}
    assert refused(TOPOHUB.replace('"source": 0', '"source": 7')) == {"dangling-edge"}
    assert refused(TOPOHUB.replace('"id": 1,', '"id": 0,')) == {
        "duplicate-node",
        "dangling-edge",
        "dangling-demand",
    }
    assert refused(TOPOHUB.replace("195.0", "NaN")) == {"json-syntax"}
    assert refused('{"a": ' + "[" * 100_000) == {"json-syntax"}
    assert refused(b'{"nodes": \xff}') == {"not-utf8"}
    assert refused('{"nodes": [], "edges": {}}') == {"not-topohub"}


def topohub_files(*sets: str) -> list[Path]:
    data = Path(str(importlib.resources.files("topohub"))) / "data"
    return [path for name in sets for path in sorted((data / name).glob("*.json"))]


def holds(path: Path, folder: Path) -> None:
    """A topology of the package becomes a network that validates, compiles and is proven."""
    result = import_topology(path, folder, invented="ring")
    context = Context(folder)
    assert not context.loaded.diagnostics, path
    assert len(context.loaded.network.topology.links) == result.counts["links"]
    state = compile_folder(context, "none")
    assert not proven(state).violations, path
    assert len(state.compiled.demands) == 2 * result.counts["circuits"], path


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_of_real_topologies_is_proven(name: str, tmp_path: Path) -> None:
    (path,) = [path for path in topohub_files(name.partition("/")[0]) if path.stem == name.partition("/")[2]]
    holds(path, tmp_path / "net")


@pytest.mark.soak
@pytest.mark.parametrize("path", topohub_files("topozoo", "sndlib"), ids=lambda path: path.stem)
def test_every_topology_of_topohub_is_proven(path: Path, tmp_path: Path) -> None:
    holds(path, tmp_path / "net")

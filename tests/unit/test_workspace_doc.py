"""The network that docs/network-folder.md shows in full is one, and its map of classes is that of the example."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path

from workspace_folder import EXAMPLES

from sdnctl.compiler.pipeline import compile_network
from sdnctl.errors import Diagnostics
from sdnctl.intents.demand import Endpoint, ServiceClass
from sdnctl.intents.models import Application, TenantModel
from sdnctl.intents.resolve import resolve
from sdnctl.topology.graph import PortRef
from sdnctl.units import Octets
from sdnctl.workspace.convention import FILES
from sdnctl.workspace.folder import load_network
from sdnctl.workspace.validate import validate
from sdnctl.workspace.yaml import parse_yaml

DOC = (EXAMPLES.parent.parent / "docs" / "network-folder.md").read_text()


def test_the_network_in_the_documentation_loads(tmp_path: Path) -> None:
    blocks = re.findall(r"^```(?:yaml|csv)\n# (\S+)\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 11
    for file, text in blocks:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    loaded = load_network(tmp_path)
    assert not loaded.diagnostics
    assert len(loaded.network.demands) == 6
    assert set(loaded.documents) == {file for file, _ in blocks}
    compiled = compile_network(loaded.network)
    assert len(compiled.demands) == 6


def test_the_groups_and_the_mesh_in_the_documentation_resolve() -> None:
    blocks = re.findall(r"^```yaml\n(application: .*?)^```", DOC, re.MULTILINE | re.DOTALL)
    out = Diagnostics()
    documents = []
    for text in blocks:
        tree = parse_yaml(text, "docs", out)
        assert tree is not None
        documents.append(validate(tree, Application, f"docs/{len(documents)}", out).document)
    cameras = [("west", "Nimes", 1), ("west uhd", "Estel", 2), ("east", "Nimes", 3)]
    endpoints = [
        *(endpoint(f"cam-{place}", "camera", 10 + place, area, *tags.split()) for tags, area, place in cameras),
        endpoint("rec-west", "recorder", 20, "Nimes"),
        endpoint("rec-east", "recorder", 21, "Nimes"),
        *(endpoint(f"tl-{place}", "traffic-light", 30 + place, "Nimes", "boulevard") for place in range(3)),
    ]
    demands, found = resolve(
        [one for one in documents if one is not None],
        {one.id: one for one in endpoints},
        {name: ServiceClass(name, 0, 0, 0, 0) for name in ("video", "scada")},
        {"town": TenantModel(id="town")},
        Octets(1500),
    )
    assert not out.items
    assert not found.items
    by_id = {demand.id: demand for demand in demands}
    assert len(by_id) == 2 * 3 + 3 * 2
    assert by_id["two-halves/cam-2>rec-west"].cir == 12_500_000
    assert by_id["two-halves/cam-1>rec-west"].cir == 4_500_000


def endpoint(name: str, kind: str, port: int, area: str, *tags: str) -> Endpoint:
    prefix = IPv4Network(f"10.0.0.{port}/32")
    return Endpoint(name, "s", PortRef("a", port), kind, None, (prefix,), tags=frozenset(tags), area=area)


def test_the_documentation_lists_every_file() -> None:
    for file in FILES:
        assert f"\n{file} " in DOC, file


def test_the_map_of_classes_is_that_of_the_example() -> None:
    written = {
        name.split(":")[0].strip(): int(tc)
        for tc, names in re.findall(r"^\| ([0-7]) \| (.*) \|$", DOC, re.MULTILINE)
        for name in (names.split(",") if ":" not in names else [names])
    }
    classes = load_network(EXAMPLES / "small").network.classes
    assert written == {name: item.traffic_class for name, item in classes.items()}
    assert all(item.queue == item.traffic_class for item in classes.values())

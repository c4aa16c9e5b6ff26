"""The network that docs/network-folder.md shows in full is one, and its map of classes is that of the example."""

from __future__ import annotations

import re
from pathlib import Path

from workspace_folder import EXAMPLES

from sdnctl.compiler.pipeline import compile_network
from sdnctl.workspace.convention import FILES
from sdnctl.workspace.folder import load_network

DOC = (EXAMPLES.parent.parent / "docs" / "network-folder.md").read_text()


def test_the_network_in_the_documentation_loads(tmp_path: Path) -> None:
    blocks = re.findall(r"^```(?:yaml|csv)\n# (\S+)\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL)
    assert len(blocks) == 10
    for file, text in blocks:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    loaded = load_network(tmp_path)
    assert not loaded.diagnostics
    assert len(loaded.network.demands) == 6
    assert set(loaded.documents) == {file for file, _ in blocks}
    compiled = compile_network(loaded.network)
    assert len(compiled.demands) == 6


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

"""The generator of bigger plants: as many of everything, each copy alike, nothing shared but kinds."""

from __future__ import annotations

from pathlib import Path

from inventory_support import EXAMPLES

from lab.bench.tiling import tile
from sdnctl.errors import Diagnostics
from sdnctl.inventory.build import build_plant
from sdnctl.inventory.links import optical_links
from sdnctl.inventory.plant import Plant
from sdnctl.workspace.read import read_folder


def load(folder: Path) -> Plant:
    read = read_folder(folder, Diagnostics())
    plant, found = build_plant(read.documents)
    assert not found.errors
    return plant


def test_copies_are_alike_and_apart(tmp_path: Path) -> None:
    tile(EXAMPLES / "small", tmp_path / "net", 3)
    one, three = load(EXAMPLES / "small"), load(tmp_path / "net")
    for name in ("sites", "chambers", "segments", "ducts", "cables", "closures", "odfs", "hazards", "switches"):
        assert len(getattr(three, name)) == 3 * len(getattr(one, name)), name
    assert three.cable_types.keys() == one.cable_types.keys()
    lengths = sorted(link.length for link in optical_links(one)[0])
    thrice = sorted(length for length in lengths for _ in range(3))
    assert [round(link.length, 3) for link in sorted(optical_links(three)[0], key=lambda link: link.length)] == [
        round(length, 3) for length in thrice
    ]

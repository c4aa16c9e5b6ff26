"""`docs/devices.md`: its files make a network, its codes are explained, a driver is what it says it is."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from workspace_folder import FILES, write

from sdnctl.compiler.pipeline import compile_network
from sdnctl.southbound.base import Driver
from sdnctl.southbound.registry import GROUP
from sdnctl.workspace.folder import load_network

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "devices.md").read_text(encoding="utf-8")
SWITCH = "  - {id: cab-x, dpid: 9, site: gamma, mtu: 1600 B}\n"
"""What the page takes for granted: a switch at the other end of the uplink, and a school around the device."""


def block(after: str) -> str:
    return PAGE.partition(after)[2].partition("```")[2].partition("\n")[2].partition("```")[0]


def folder(place: Path) -> Path:
    head, _, rows = block("`inventory/endpoints.csv`").partition("\n")
    assert FILES["inventory/endpoints.csv"].startswith(f"{head}\n")
    gear = FILES["inventory/equipment.yaml"] + SWITCH + block("`inventory/equipment.yaml`:")
    return write(
        place,
        {
            "inventory/equipment.yaml": gear,
            "inventory/sites.yaml": FILES["inventory/sites.yaml"]
            + "  - {id: school-1, position: [4.31, 43.80]}\n",
            "inventory/endpoints.csv": FILES["inventory/endpoints.csv"] + rows,
            "topology/links.yaml": FILES["topology/links.yaml"]
            + '  - {id: cx, a: "sw-c:5", b: "cab-x:1", length: 1 km, capacity: 10 Gbit/s, mtu: 1600 B}\n',
            "intents/video.yaml": FILES["intents/video.yaml"]
            .replace("kind: camera", "kind: classroom")
            .replace("protection: local", "protection: none"),
        },
    )


def test_its_files_are_a_network_and_the_attachment_is_as_drawn(tmp_path: Path) -> None:
    made = compile_network(load_network(folder(tmp_path)).network)
    (attachment,) = made.attachments["sw-school-1"].values()
    drawn = re.search(r"attachment: (\S+) ↔ VLAN (\d+), ≤ (\d+) Mbit/s, PCP (\d)", PAGE)
    uplink = re.search(r"▌ (\S+) ══ VLAN (\d+) ══ port (\d+) ▐", PAGE)
    assert drawn is not None
    assert uplink is not None
    assert drawn[2] == uplink[2]
    said = drawn[1], uplink[1], int(drawn[2]), int(drawn[3]) * 1_000_000, int(drawn[4])
    assert (attachment.port, attachment.uplink, attachment.tag, attachment.rate, attachment.priority) == said
    rules = made.rules["cab-x"].flows.values()
    assert any(("in_port", int(uplink[3])) == (name, value) for one in rules for name, value, _ in one.match)


def test_codes_are_those_of_the_page_of_diagnostics() -> None:
    table = PAGE.partition("## What can go wrong")[2].partition("\n## ")[0]
    codes = set(re.findall(r"`([a-z-]+)`(?=.*\|.*\|)", table))
    explained = set(re.findall(r"`([a-z0-9-]+)`", (ROOT / "docs" / "diagnostics.md").read_text(encoding="utf-8")))
    assert len(codes) > 10
    assert codes - explained == set()


def test_a_driver_has_the_methods_that_are_counted() -> None:
    words = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
    methods = [name for name, value in vars(Driver).items() if callable(getattr(value, "__func__", value))]
    public = [name for name in methods if not name.startswith("_")]
    assert f"A driver is a class with {words[len(public) - 1]} methods" in PAGE


def test_the_entry_point_is_the_one_that_is_looked_for() -> None:
    assert set(tomllib.loads(block("secrets.assert_hidden"))["project"]["entry-points"]) == {GROUP}

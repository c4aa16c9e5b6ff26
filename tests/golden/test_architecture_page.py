"""`docs/architecture.md`: what it says beside its commands (those run in `test_guide_pages`) is what happens.

``…`` in a block stands for anything; a remark stands behind three blanks.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from any_network import FOLDERS
from sdnctl_in_process import sdnctl

from sdnctl.plan.model import StageKind
from sdnctl.units import parse_bitrate

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
DEMAND = "flood-sensors/flood-2>scada-1"


@cache
def explained() -> str:
    """All that `explain` says of the demand, on one line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", "400")
        done = sdnctl("-n", FOLDERS["small"], "explain", DEMAND)
    assert done.code == 0
    return " ".join(done.out.split())


def rules_of_the_page() -> list[str]:
    block = PAGE.partition("On `com-dourbie`:\n\n```\n")[2].partition("```")[0]
    lines: list[str] = []
    for line in block.splitlines():
        rule = re.split(r" {3,}(?=\S)", line)
        if line.startswith(" "):
            lines[-1] += f" {rule[1]}" if rule[1].startswith("actions=") else ""
        else:
            lines.append(rule[0])
    return lines


def test_the_intent_is_that_of_the_example() -> None:
    block = PAGE.partition("`intents/flood-sensors.yaml`:\n\n```yaml\n")[2].partition("```")[0]
    example = (FOLDERS["small"] / "intents" / "flood-sensors.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(block) == yaml.safe_load(example)
    assert str(parse_bitrate("64 kbit/s")) in re.findall(r"`Bitrate\((\d+)\)`", PAGE)


def test_rules_are_those_that_are_compiled() -> None:
    rules = rules_of_the_page()
    assert len(rules) == 5
    for rule in rules:
        pattern = ".*?".join(re.escape(part) for part in re.split("…", rule))
        assert re.search(pattern, explained()), rule


def test_numbers_of_the_passes() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `label` |")]
    trunk, *bypasses, service, number = (int(text) for text in re.findall(r"\b\d+\b", row))
    assert f"label {trunk}: com-dourbie → pop-east → core-b" in explained()
    assert [int(text) for text in re.findall(r"\(label (\d+)\)", explained())] == bypasses
    assert f"set_field:{service}->mpls_label" in explained()
    assert f"write_metadata:{number:#x}/" in explained()


def test_rules_of_the_demand_are_counted() -> None:
    (row,) = [line for line in PAGE.splitlines() if line.startswith("| `lower` |")]
    flows, groups = len(re.findall("cookie=", explained())), len(re.findall("group_id=", explained()))
    assert f"{flows} flows, {groups} groups and a meter on three switches" in row
    meters = set(re.findall(r"meter:(\d+)", explained()))
    assert len(meters) == 1


def test_stages_are_in_the_order_that_it_tells() -> None:
    told = PAGE.partition("into stages: ")[2].partition(". The three")[0]
    assert re.sub(r"\s*\([^)]*\)", "", told).split(" → ") == [stage.value for stage in StageKind]


def test_what_it_points_to_is_there() -> None:
    named = set(re.findall(r"`((?:sdnctl/|lab/|docs/|plugins/)?[a-z_0-9/-]+(?:\.(?:py|md)|/))`", PAGE))
    named |= set(re.findall(r"`(plugins/[a-z-]+)`", PAGE))
    assert len(named) > 40
    assert not [
        name for name in sorted(named) if not any((base / name).exists() for base in (ROOT, ROOT / "sdnctl"))
    ]
    for name in re.findall(
        r"`((?:compiler|intents|inventory|verify|plan|usecases|southbound|daemon)\.[\w.]+)[(`]", PAGE
    ):
        try:
            import_module(f"sdnctl.{name}")
        except ModuleNotFoundError:
            module, _, value = name.rpartition(".")
            assert hasattr(import_module(f"sdnctl.{module}"), value), name

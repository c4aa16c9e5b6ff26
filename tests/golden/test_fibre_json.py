"""JSON of the fibre questions on the small example, as committed; `--update-golden` writes it anew."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from inventory_support import EXAMPLES
from sdnctl_in_process import sdnctl

GOLDEN = Path(__file__).parent / "fibre_documents.json"
ASKED = (
    ("inventory", "trace", "core-a:3/tx"),
    ("whatif", "--cut", "segment:s-pont-n-pont-s@100m", "--block", "du-core-north"),
    ("inventory", "budget", "--cheapest", "spare-west-estel", "cab-halles--pop-west"),
    ("inventory", "diversity", "core-a--pop-south", "core-b--pop-south"),
    ("inventory", "free", "mill", "exchange", "--diverse-from", "c-ex-south"),
    ("inventory", "capacity", "strand", "duct", "link"),
    ("inventory", "closure", "k-moulin"),
    ("inventory", "line", "c-south-west:13"),
    ("inventory", "synoptic", "mill"),
)


def rounded(value: Any) -> Any:
    """Figures to a millionth, so that the last bit of a sum does not matter."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_documents_are_as_committed(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    folder = tmp_path / "net"
    assert sdnctl("init", folder).code == 0
    made = {}
    for asked in ASKED:
        result = sdnctl("-n", folder, "--format", "json", *asked)
        assert result.code == 0, result.out + result.err
        assert result.document["command"] == " ".join(asked[: 2 if asked[0] == "inventory" else 1])
        made[" ".join(asked)] = rounded(result.document)
    text = json.dumps(made, indent=1, ensure_ascii=False) + "\n"
    if pytestconfig.getoption("--update-golden"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert GOLDEN.read_text(encoding="utf-8") == text, "run this test with --update-golden"


def test_errors_are_documents_too() -> None:
    result = sdnctl("-n", EXAMPLES / "small", "--format", "json", "whatif", "--cut", "segment:nowhere")
    assert result.code == 1
    assert result.codes() == {"no-such-thing"}
    assert sdnctl("-n", EXAMPLES / "small", "whatif").code == 64

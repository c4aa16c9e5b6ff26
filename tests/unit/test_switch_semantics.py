"""The in-memory switch gives the answers that were recorded from Open vSwitch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from switch_cases import PORTS, Case, cases

from sdnctl.dataplane.switch import Switch

GOLDEN = Path(__file__).parent.parent / "golden" / "switch_semantics.json"
RECORDED = json.loads(GOLDEN.read_text())
CASES = list(cases())


def test_every_case_is_recorded_once() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert set(names) == set(RECORDED)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answers_like_open_vswitch(case: Case) -> None:
    result = Switch(case.rules, PORTS).process(1, case.frame)
    sent = sorted((item.port, bytes(item.packet).hex()) for item in result.sent)
    assert [list(item) for item in sent] == RECORDED[case.name], str(result)
    assert result.sent or result.drops, "a packet never vanishes without a reason"

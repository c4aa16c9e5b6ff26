"""Everything that reads bytes from outside survives damaged ones: a sample of each, and a million each in soak."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import fuzzing
import pytest
from fuzzing import Case, Found, Target, case_of, fuzz
from fuzzing_mutators import endless_records, octets
from fuzzing_report import Row, read_report, write_report
from fuzzing_targets import REPORT, TARGETS, WANTED, today

from sdnctl.errors import Diagnostic, InputError, StoreError
from sdnctl.store.blobs import pack, whole_text


@pytest.mark.parametrize("name", TARGETS)
def test_a_sample(name: str) -> None:
    outcome = fuzz(TARGETS[name], TARGETS[name].sample, seed=2026, weigh=False)
    assert not outcome.faults, outcome.faults[0]
    assert outcome.accepted + outcome.refused == TARGETS[name].sample


@pytest.mark.soak
@pytest.mark.parametrize("name", TARGETS)
def test_the_full_count(name: str) -> None:
    """Other octets each time: the seed stands in what a failure says, and in the report."""
    target = TARGETS[name]
    outcome = fuzz(target, target.soak, seed=Random().randrange(1 << 32))
    assert not outcome.faults, outcome.faults[0]
    assert outcome.refused, "some damage is noticed"
    assert outcome.accepted or target.name == "GraceTHD .csv", "some damage is harmless"
    write_report(REPORT, Row.of(outcome, today()), WANTED)


# ── the harness ──────────────────────────────────────────────────────────────────────────────────


def target(parse: object, **more: object) -> Target:
    def seeds() -> Sequence[Case]:
        return [("x", b"abcdefgh")]

    return Target("mine", seeds, octets(), parse, **more)  # type: ignore[arg-type]


def when_damaged(error: Exception | None = None, found: Found = None, seconds: float = 0.0) -> object:
    """A parser that does this to everything but the good file."""

    def parse(case: Case) -> Found:
        if case[1] == b"abcdefgh":
            return None
        until = time.process_time() + seconds
        while time.process_time() < until:
            pass
        if error is not None:
            raise error
        return found

    return parse


@pytest.mark.parametrize(
    ("parse", "said"),
    [
        (when_damaged(KeyError("x")), "KeyError"),
        (when_damaged(RecursionError()), "RecursionError"),
        (when_damaged(InputError()), "without a diagnostic"),
        (when_damaged(InputError(Diagnostic("Not a code", "x"))), "with the code"),
        (when_damaged(StoreError(Diagnostic("silent", " "))), "says nothing"),
        (when_damaged(found=[Diagnostic("odd", "\ud800")]), "cannot be printed"),
        (when_damaged(found=[Diagnostic("odd", "x", detail="y" * 3000)]), "says too much"),
        (when_damaged(seconds=3), "Hang: more than"),
    ],
)
def test_what_is_a_failure(parse: object, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each names the input, and how to see it again."""
    monkeypatch.setattr(fuzzing, "PATIENCE", 0.05)
    (fault,) = fuzz(target(parse), 10, seed=7, weigh=False).faults
    assert said in fault
    number = int(fault.split("input ")[1].split(":")[0])
    assert f"fuzzing_targets.py 'mine' 7 {number}" in fault
    assert repr(case_of(target(parse), [("x", b"abcdefgh")], 7, number)[1]) in fault


def test_faults_without_a_file_where_there_is_one() -> None:
    parse = when_damaged(found=[Diagnostic("odd", "x")])
    assert not fuzz(target(parse), 10, seed=7, weigh=False).faults
    (fault,) = fuzz(target(parse, placed=True), 10, seed=7, weigh=False).faults
    assert "no file with" in fault


def test_what_a_target_may_raise() -> None:
    parse = when_damaged(LookupError("nothing there"))
    outcome = fuzz(target(parse, refusals=(LookupError,)), 20, seed=7, weigh=False)
    assert (outcome.faults, outcome.refused + outcome.accepted) == ([], 20)
    assert outcome.refused > 10


def test_too_much_for_one_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "ROOM", 64 << 20)

    def parse(case: Case) -> Found:
        bytearray(1 << 30 if case[1] != b"abcdefgh" else 1)
        return None

    (fault,) = fuzz(target(parse), 10, seed=7, weigh=False).faults
    assert "MemoryError" in fault


def test_what_is_remembered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzzing, "FEW_BLOCKS", 1000)
    kept: list[object] = []

    def parse(case: Case) -> Found:
        kept.append([object(), object()])
        return None

    (fault,) = fuzz(target(parse), 1000, seed=7).faults
    assert "more memory after 1000 inputs" in fault


def test_the_report_has_a_row_for_each(tmp_path: Path) -> None:
    outcome = fuzz(target(when_damaged(found=[Diagnostic("odd", "x")])), 50, seed=7, weigh=False)
    path, wanted = tmp_path / "report.txt", {"one": 50, "two": 60, "three": 10}
    for name, day in (("one", "2026-01-01"), ("two", "2026-01-02"), ("one", "2026-01-03")):
        outcome.target = name
        write_report(path, Row.of(outcome, day), wanted)
    text = path.read_text(encoding="utf-8")
    assert text.count("command: pytest --soak") == text.count("accepted") == 1
    assert [line.split()[0] for line in text.splitlines()[-2:]] == ["one", "two"]
    assert "2026-01-01" not in text
    assert "1 of 3 targets" in text
    assert "three (0 of 10),\n  two (50 of 60)" in text


def test_a_row_adds_up_its_pieces(tmp_path: Path) -> None:
    path = tmp_path / "report.txt"
    pieces = [
        Row("a name with, comma", 1000, 2000, 7.0, 0.25, 0.5, -3, "2026-01-01", "4"),
        Row("a name with, comma", 9, 1, 3.0, 0.125, 1.5, -7, "2026-01-02", "5"),
        Row("a name with, comma", 1, 0, 1.0, 0.5, -1.0, 1200, "2026-01-03", "6"),
        Row("a name with, comma", 1, 0, 1.0, 0.0, 0.0, 0, "2026-01-04", "9"),
    ]
    for one in pieces:
        write_report(path, one, {}, add=True)
    whole = Row("a name with, comma", 1011, 2001, 12.0, 0.5, 1.5, 1200, "2026-01-04", "4-6,9")
    assert read_report(path) == {"a name with, comma": whole}
    assert (whole.last_seed, whole.inputs) == (9, 3012)


# ── what was found ───────────────────────────────────────────────────────────────────────────────

DEEP = '{"a":' * 100_000


@pytest.mark.parametrize(
    ("name", "file", "text"),
    [
        ("plan file", "plan.json", DEEP),
        ("plan file", "plan.json", json.dumps({"format": 2, "kind": "plan", "fingerprint": "", "plan": "\ud800"})),
        ("state file", "state.json", DEEP),
        ("state file", "state.json", '{"format": 1, "silent": [], "down": [], "compiled": {}}'),
        ("lab record", ".sdnctl/lab.json", DEEP),
        ("accepted receive powers", ".sdnctl/levels.json", '{"format": 1, "levels": {"a:1": 1' + "0" * 400 + "}}"),
        ("controller's answer", "observation", '{"switches": {"a": "\\ud800"}}'),
        (
            "lab record",
            ".sdnctl/lab.json",
            '{"version": 1, "kind": "memory", "state": "up", "bridges": {}, "interfaces": {}, '
            '"links": {}, "edges": [], "dpids": {}, "mtu": {}, "access_mtu": Infinity}',
        ),
        ("embedded switch", "a.json", DEEP),
        ("embedded switch", "a.counters.json", '{"ports": {"1": {"rx_packets": "1"}}, "flows": []}'),
        ("embedded switch", "wires.list", DEEP),
        ("simulated device", "d.device.json", DEEP),
        ("controller's answer", "counters", DEEP),
        ("store: contents", "snapshot", '{"base":2}'),
        ("store: contents", "snapshot", '{"base":99999999999999999999}'),
        ("store: contents", "journal", "[]"),
        ("store: contents", "journal", DEEP),
    ],
)
def test_is_refused_with_a_diagnostic(name: str, file: str, text: str) -> None:
    """Each of these once broke out of its parser."""
    assert not fuzzing._one(TARGETS[name], (file, text.encode()))


@pytest.mark.parametrize("name", ["GraceTHD GeoPackage", "store: database"])
def test_a_record_without_an_end_is_refused_with_a_diagnostic(name: str) -> None:
    """SQLite asks for that much memory, and Python says MemoryError, which once broke out."""
    target = TARGETS[name]
    ((file, data),) = target.seeds()
    answers = [fuzzing._one(target, (file, damaged)) for damaged in endless_records(data)]
    assert len(answers) > 10
    assert not any(answers)


def test_packed_rules_are_not_more_than_their_columns() -> None:
    """A number in a state file once made lists of that length."""
    from sdnctl.dataplane.pack import unpack

    shape = {"table": 0, "priority": 0, "goto": None, "fields": [], "count": 10**9, "columns": [0] * 5}
    with pytest.raises(ValueError, match="columns"):
        unpack(
            {
                "actions": [],
                "lists": [[]],
                "switches": {"a": {"meters": [[], [], []], "groups": [], "flows": [shape]}},
            }
        )


def test_what_is_quoted_of_a_damaged_file_is_short() -> None:
    """A key, a cell or a format of thousands of characters once stood in what was said about it."""
    one = Diagnostic("odd", f"{'k' * 5000!r} is not known here", address="row " + "9" * 5000, hint="w" * 5000)
    assert one.summary.startswith("'kkk")
    assert one.summary.endswith("k' is not known here")
    assert len(str(one)) < fuzzing.LONGEST
    with pytest.raises(StoreError) as caught:
        TARGETS["state file"].parse(("state.json", json.dumps({"format": {"x": "y" * 5000}}).encode()))
    (said,) = caught.value.diagnostics
    assert len(str(said)) < 300
    assert "is not known to this sdnctl" in said.summary


@pytest.mark.parametrize("text", ['{"format": 1}', '{"format": "\u202e"}', DEEP])
def test_a_baseline_that_cannot_be_read_is_named(text: str) -> None:
    """Such a state was refused without a word about its file, or what to do."""
    with pytest.raises(StoreError) as caught:
        TARGETS["state file"].parse(("state.json", text.encode()))
    (said,) = caught.value.diagnostics
    assert said.source is not None
    assert said.source.file.endswith("state.json")
    assert said.hint
    assert "\u202e" not in str(said)


def test_what_the_store_quotes_is_short() -> None:
    """The snapshot that a damaged one follows was quoted whole."""
    with pytest.raises(StoreError) as caught:
        TARGETS["store: contents"].parse(
            ("snapshot", json.dumps({"base": "x" * 9000}, separators=(",", ":")).encode())
        )
    assert len(str(caught.value)) < 700
    assert "snapshot 2 in the store is damaged" in str(caught.value)


def test_a_snapshot_follows_thousands() -> None:
    """Each was read inside the one that follows it: after a thousand the store could not be read any more."""
    cells = {number: pack(f'{{"base":{number - 1},"down":[{number}]}}') for number in range(2, 5000)}
    cells[1] = pack('{"compiled":{"a":1},"down":[],"format":1}')
    assert whole_text(4999, cells.get) == '{"compiled":{"a":1},"down":[4999]}'
    cells[7] = pack('{"base":9}')
    with pytest.raises(StoreError, match="snapshot 7 in the store is damaged"):
        whole_text(4999, cells.get)
    del cells[8]
    with pytest.raises(StoreError, match="no snapshot 8"):
        whole_text(4999, cells.get)


def test_a_cell_without_a_name() -> None:
    """A device that was not named was one that "is not there"."""
    name, data = next(case for case in TARGETS["NetBox tables"].seeds() if case[0] == "07-rear-ports.csv")
    said = list(TARGETS["NetBox tables"].parse((name, data.replace(b"odf-hub,", b",", 1))) or ())
    assert said[0].summary == "port c-east names no device"

"""Use cases at their edges: files written, folders made, numbers that come back, drivers that fail."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compile_networks import both_ways, endpoint, network
from lab_ring import ring

from sdnctl.compiler.ir import Baseline
from sdnctl.compiler.pipeline import compile_network
from sdnctl.compiler.revive import revive
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceUnreachable, Diagnostic, InputError
from sdnctl.intents.demand import Demand, Grade, Service
from sdnctl.plan.model import Change, Observed, Op, Stage, StageKind
from sdnctl.southbound.base import Target
from sdnctl.southbound.fleet import Fleet, StageFailed
from sdnctl.southbound.memory import MemoryDriver
from sdnctl.store.state import State, dumps, loads
from sdnctl.store.store import Store
from sdnctl.usecases.files import write_text
from sdnctl.usecases.initialise import initialise

# ── files ────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_there_completely_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plan.json"
    write_text(path, "one")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(InputError, match="disk full"):
        write_text(path, "two")
    assert path.read_text() == "one"
    assert [entry.name for entry in tmp_path.iterdir()] == ["plan.json"]


def test_links_are_followed_and_devices_written_to(tmp_path: Path) -> None:
    """``-o /dev/stdout`` must not put a file in the place of the device."""
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    write_text(tmp_path / "link.json", "new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write_text(pipe, "through the pipe")
        assert os.read(reader, 100) == b"through the pipe"
        assert pipe.is_fifo()
    finally:
        os.close(reader)
    with pytest.raises(InputError, match="cannot be written"):
        write_text(tmp_path, "a folder")


# ── folders ──────────────────────────────────────────────────────────────────────────────────────


def test_init_fills_an_empty_folder_also_the_one_we_stand_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = initialise(Path(), "small")
    assert Path("network.yaml") in files
    assert (tmp_path / "intents" / "schools.yaml").is_file()
    assert initialise(tmp_path / "deep" / "new one", "small-links")
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["new one"]
    for folder in (tmp_path, tmp_path / "network.yaml"):
        with pytest.raises(InputError, match="not an empty folder"):
            initialise(folder, "small")
    with pytest.raises(InputError, match="there are: reference, small, small-links"):
        initialise(tmp_path / "other", "large")
    with pytest.raises(InputError, match="cannot be made"):
        initialise(tmp_path / "network.yaml" / "below", "small")


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────


def line(name: str, a: str, b: str) -> list[Demand]:
    port = 100 + int(name[1:])
    return both_ways(
        name, endpoint(f"{name}-a", a, port), endpoint(f"{name}-b", b, port), Service.LINE, Grade.LOCAL
    )


def compiled(names: str, baseline: Baseline | None) -> State:
    """A ring of six with a line for each of these names, between ends that depend on the name."""
    demands = [one for name in names.split() for one in line(name, f"s{int(name[1:]) % 3 + 1}", f"s{4}")]
    return State(compile_network(network(ring(6), demands), baseline))


def after(state: State, before: State | None) -> State:
    return state.after(before, state.rules)


def test_what_still_exists_keeps_the_number_it_has_now() -> None:
    first = after(compiled("e1 e2", None), None)
    second = after(compiled("e1 e2 e3", first.baseline), first)
    revived = revive(first.baseline, second.baseline)
    again = compiled("e1 e2", revived)
    assert again.rules == first.rules
    assert again.compiled.trunks == first.compiled.trunks


def test_a_number_that_something_else_has_now_is_not_taken_back() -> None:
    first = after(compiled("e1", None), None)
    second = after(compiled("e5", first.baseline), first)
    third = after(compiled("e2", second.baseline), second)  # by now e1's numbers are free again
    assert set(third.baseline.labels.values()) & set(first.baseline.labels.values())
    back = compiled("e1", revive(first.baseline, third.baseline))
    assert not set(back.baseline.labels.values()) & set(third.baseline.labels.values())
    assert not set(back.baseline.ids["demand"].values()) & set(third.baseline.ids["demand"].values())
    assert not set(back.baseline.ids["group"].values()) & {
        number for key, number in third.baseline.ids["group"].items() if key not in back.baseline.ids["group"]
    }
    assert [trunk.path for trunk in back.compiled.trunks] == [trunk.path for trunk in first.compiled.trunks]


def test_a_label_that_a_silent_switch_may_hold_stays_closed() -> None:
    first = after(compiled("e1", None), None)
    observed: dict[str, RuleSet | None] = {name: RuleSet() for name in first.rules}
    observed["s3"] = None
    second = compiled("e2", first.baseline).after(first, observed)
    assert second.silent["s3"] == first.rules["s3"]
    back = compiled("e1", revive(first.baseline, second.baseline))
    kept = {label for label, switches in second.baseline.quarantine.items() if "s3" in switches}
    assert kept
    assert not kept & set(back.baseline.labels.values())
    gone = second.after(second, {name: rules for name, rules in second.rules.items() if name != "s3"})
    assert gone.baseline.quarantine == second.baseline.quarantine  # not asked is not confirmed


def test_a_state_comes_back_as_it_was_and_is_known_by_its_content() -> None:
    first = compiled("e1 e2", None)
    again = compiled("e1 e2", after(first, None).baseline)
    assert first.compiled.baseline_fingerprint != again.compiled.baseline_fingerprint
    assert after(first, None).fingerprint == after(again, None).fingerprint
    assert replace(first, down=frozenset({"L1"})).fingerprint != first.fingerprint
    silent = replace(first, silent={"s1": RuleSet()})
    assert loads(dumps(silent)) == silent
    assert silent.confirmed["s1"] == RuleSet()


# ── the store ────────────────────────────────────────────────────────────────────────────────────


def test_undoing_can_leave_a_successor_in_one_transaction(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/store.db")
    values: dict[str, Any] = {"fingerprint": "f", "author": "ann", "summary": "s", "reason": "apply"}
    with store.hold() as lease:
        first = store.begin(lease, content="1", **values)
        store.finish(lease, first)
        second = store.begin(lease, content="2", **values)
        store.abandon(lease, second, "rolled back", successor=("g", "3"))
    applied = store.applied()
    assert applied is not None
    assert (applied.parent, applied.reason, applied.author, applied.fingerprint) == (first, "rollback", "ann", "g")
    assert store.content(applied.id) == "3"
    assert store.pending() is None
    assert [one.state for one in store.history()] == ["applied", "abandoned", "applied"]
    store.close()


# ── the fleet ────────────────────────────────────────────────────────────────────────────────────


class Broken(MemoryDriver):
    """A driver whose file system fails, or that loses its device, and that says when it is closed."""

    closed = 0
    fault: Exception = OSError("no space left on device")

    @classmethod
    async def open(cls, target: Target) -> Broken:
        return cls.__new__(cls)

    async def observe(self) -> Observed:
        raise self.fault

    async def commit(self, changes: object) -> None:
        raise self.fault

    async def close(self) -> None:
        type(self).closed += 1


@pytest.mark.parametrize(
    "fault", [OSError("no space left on device"), DeviceUnreachable(Diagnostic("gone", "gone"))]
)
def test_a_driver_that_fails_is_one_device_and_is_closed(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Broken, "fault", fault)
    monkeypatch.setattr(Broken, "closed", 0)
    state = compiled("e1", None)

    async def work() -> None:
        async with Fleet({name: {Broken: Target(name, "x")} for name in ("s1", "s2")}) as fleet:
            seen = await fleet.observe()
            assert seen.unreachable == ("s1", "s2")
            assert "s1" in str(seen.faults["s1"]) or isinstance(fault, DeviceUnreachable)
            assert Broken.closed == 2
            rule = next(iter(state.rules["s1"]))
            stage = Stage(StageKind.PREPARE, {"s1": (Change(Op.ADD, rule),)})
            with pytest.raises(StageFailed) as failed:
                await fleet.commit(stage)
            assert list(failed.value.faults) == ["s1"]
            assert Broken.closed == 3

    asyncio.run(work())

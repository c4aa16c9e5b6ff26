"""Values made in bulk: the collector is paused meanwhile, and what garbage there is beside them is still found."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from weakref import WeakSet

import pytest

from sdnctl.dataplane import bulk
from sdnctl.dataplane.bulk import in_bulk


class Knot:
    """An object that only the cyclic collector can free."""

    def __init__(self, size: int) -> None:
        self.me = self
        self.held = [[] for _ in range(size)]  # type: ignore[var-annotated]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As little as a test can wait for; what other tests have made does not count."""
    monkeypatch.setattr(bulk, "MANY", 1_000)
    monkeypatch.setattr(bulk, "PATIENCE", 20_000)
    monkeypatch.setattr(bulk._Growth, "grown", 0)
    monkeypatch.setattr(bulk._Growth, "most", 20_000)
    monkeypatch.setattr(gc, "get_freeze_count", lambda: 0)
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@pytest.mark.parametrize("size", [10, 500, 5_000])
def test_cycles_are_found_however_often_much_is_made(size: int) -> None:
    """The defect: each bulk set the collector's counts back, so cycles older than it were never looked for."""
    knots: WeakSet[Knot] = WeakSet()
    most = 0
    for _ in range(max(60, 300_000 // size)):
        with in_bulk():
            knots.add(Knot(size))
        most = max(most, len(knots))
    assert most * size < 100_000, f"{most} of them waited at once"


def test_it_is_paused_inside_and_runs_after_the_outermost() -> None:
    with in_bulk():
        with in_bulk():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_runs_again_after_an_error() -> None:
    with pytest.raises(KeyError), in_bulk():
        raise KeyError
    assert gc.isenabled()


def test_whoever_had_paused_it_finds_it_paused() -> None:
    gc.disable()
    try:
        with in_bulk():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()

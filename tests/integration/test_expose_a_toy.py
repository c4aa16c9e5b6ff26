"""What a toy would not survive, on the command line: other words, places, people, terminals and versions.

Each test is a promise that a demonstration need not keep. The same is asked of every network, in memory and with
oracles of the tests' own, in `test_any_network`.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from any_network import settled
from any_network_files import Files, read_files, renamed, shuffled, write_files
from any_network_frames import check_frames
from any_network_plans import foreign, is_intent
from any_network_twins import shapes
from sdnctl_in_process import Net, sdnctl
from unprivileged import Nobody, give

from sdnctl.dataplane.values import RuleSet

VERSIONS = Path(__file__).parents[1] / "data" / "versions"


def made(folder: Path, files: Files) -> Net:
    """A network folder with these files, and embedded switches."""
    net = Net(write_files(folder, files))
    net.ok("lab", "up", "--kind", "memory")
    return net


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Files:
    folder = tmp_path_factory.mktemp("toy") / "example"
    assert sdnctl("init", folder, "--example", "small-links").code == 0
    return read_files(folder)


def all_the_way(net: Net) -> None:
    """The main job: everything is applied, held, proven, and nothing is left to do."""
    net.ok("validate")
    net.ok("apply", "--yes")
    net.ok("verify")
    net.assert_exact()
    net.probe()
    assert net("plan", "--exit-code").code == 0


# ── other words, other networks ──────────────────────────────────────────────────────────────────


def test_every_name_is_another_and_every_file_in_another_order(example: Files, tmp_path: Path) -> None:
    rng = random.Random("words")
    one = made(tmp_path / "one", example)
    other = made(tmp_path / "other", renamed(shuffled(example, rng), rng, in_order=True))
    for net in (one, other):
        all_the_way(net)
    mine, theirs = one.applied().compiled, other.applied().compiled
    assert not set(mine.topology.nodes) & set(theirs.topology.nodes)
    assert not {item.id for item in mine.demands} & {item.id for item in theirs.demands}
    assert shapes(mine) == shapes(theirs)


def test_a_city_that_nobody_has_seen(tmp_path: Path) -> None:
    city = settled("Funet/4711", applications=4, leaves=4)
    check_frames(city, positives=30, negatives=60, cuts=2)
    all_the_way(made(tmp_path / "city", city.files))


def test_without_intents_nothing_of_ours_is_left_and_all_of_others(example: Files, tmp_path: Path) -> None:
    net = made(tmp_path / "net", example)
    for name in net.board.devices():
        with net.board.changing(name) as device:
            device.rules = foreign()
    net.ok("apply", "--yes")
    net.assert_exact()
    assert all(set(foreign()) <= set(rules) for rules in net.held().values())
    for name in filter(is_intent, example):
        if "classes" not in name:
            net.path(name).unlink()
    net.ok("apply", "--yes", "--allow-outage", "scada", "--allow-outage", "business", "--allow-outage", "video")
    assert net.held() == dict.fromkeys(net.board.devices(), foreign())


# ── plans ────────────────────────────────────────────────────────────────────────────────────────


def test_a_plan_of_one_checkout_is_applied_from_another(example: Files, tmp_path: Path) -> None:
    """The pipeline plans in a clone of its own; the network is the same, by the same store."""
    one = made(tmp_path / "a checkout", example)
    one.ok("apply", "--yes")
    shutil.copytree(one.folder, tmp_path / "elsewhere" / "b", symlinks=True)
    other = Net(tmp_path / "elsewhere" / "b")
    shutil.rmtree(other.path(".sdnctl"))
    other.path(".sdnctl").symlink_to(one.path(".sdnctl"))
    for net in (one, other):
        net.edit("intents/flood-sensors.yaml", "protection: node", "protection: local")
    one.ok("plan", "-o", tmp_path / "plan.json")
    other.ok("apply", tmp_path / "plan.json", "--yes")
    one.assert_exact()
    assert one("plan", "--exit-code").code == 0


def test_a_plan_that_somebody_altered_is_refused(example: Files, tmp_path: Path) -> None:
    """Any number or word in it: refused, and nothing was written."""
    net = made(tmp_path / "net", example)
    net.ok("plan", "-o", tmp_path / "plan.json")
    text, rng = (tmp_path / "plan.json").read_text(encoding="utf-8"), random.Random(7)
    document = json.loads(text)
    places = [place for place in _leaves(document) if place[-1] != "created"]
    assert len(places) > 1_000
    before = net.held()
    for place in [*rng.sample(places, 12), ("plan", "target"), ("plan", "network")]:
        altered = json.loads(text)
        _alter(altered, place if place in places else _find(places, place[-1]))
        (tmp_path / "altered.json").write_text(json.dumps(altered), encoding="utf-8")
        result = net("apply", tmp_path / "altered.json", "--yes")
        assert result.code == 1, place
        assert "Traceback" not in result.err
        assert "plan" in result.plain, result.err
    assert net.held() == before
    net.ok("apply", tmp_path / "plan.json", "--yes")


Place = tuple[str | int, ...]


def _leaves(value: Any, place: Place = ()) -> list[Place]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in _leaves(item, (*place, key))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in _leaves(item, (*place, index))]
    return [place]


def _find(places: list[Place], name: str | int) -> Place:
    return next(place for place in places if place[-1] == name)


def _alter(document: Any, place: Place) -> None:
    for step in place[:-1]:
        document = document[step]
    old = document[place[-1]]
    if isinstance(old, bool) or old is None:
        document[place[-1]] = not old
    else:
        document[place[-1]] = old + 1 if isinstance(old, int | float) else f"{old}x"


# ── other people, terminals and places ───────────────────────────────────────────────────────────


class Stranger:
    """Runs `sdnctl` as somebody who owns the network folder and nothing else, without a terminal."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder = folder
        self._nobody = Nobody()
        self._nobody.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "LANG": "C",
            "COLUMNS": "40",
            "NO_COLOR": "1",
            "TMPDIR": str(folder),
        }

    def __call__(self, line: str, *more: object) -> str:
        words = [sys.executable, "-m", "sdnctl", "-n", str(self.folder / "net"), *line.split(), *map(str, more)]
        with self._nobody.popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as process:
            assert process.stdout is not None
            said = process.stdout.read().decode()
        assert process.returncode == 0, f"{line}: {process.returncode}\n{said}"
        assert "Traceback" not in said, said
        assert "\x1b" not in said, "colours for nobody"
        return said


@pytest.fixture
def stranger() -> Iterator[Stranger]:
    place = Path(tempfile.mkdtemp(prefix="sdnctl-toy-"))  # not in pytest's own folder, which is for its owner only
    place.chmod(0o755)
    folder, home = place / "the city's network", place / "home"
    folder.mkdir()
    home.mkdir()
    give(folder)
    home.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        yield Stranger(folder, home)
    finally:
        home.chmod(stat.S_IRWXU)
        shutil.rmtree(place)


def too_wide(line: str, said: str) -> list[str]:
    return [f"{line}: {row}" for row in said.splitlines() if len(row) > 40]


def test_a_stranger_in_a_narrow_window_does_the_whole_job(stranger: Stranger) -> None:
    """Not root, a home that cannot be written, LANG=C, no terminal, 40 columns, a path with space and quote."""
    stranger("init", stranger.folder / "net", "--example", "small-links")
    wide: list[str] = []
    for line in ("validate", "lab up --kind memory", "apply --yes", "verify", "lab down"):
        wide += too_wide(line, stranger(line))
    assert not wide, "\n".join(wide)
    left = {path.name for path in (stranger.folder / "net").iterdir()}
    assert left >= {"intents", "inventory", "topology", "network.yaml"}


LISTINGS = (
    "switches",
    "links",
    "srlgs",
    "endpoints",
    "intents",
    "demands",
    "trunks",
    "bypasses",
    "rules",
    "retention",
)
QUESTIONS = (
    *(f"show {name}" for name in LISTINGS),
    "explain flood-sensors",
    "inventory capacity",
    "inventory budget",
    "inventory check",
    "whatif --cut cable:c-mill",
    "drivers",
    "compile",
)


def test_every_answer_fits_forty_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "net"
    assert sdnctl("init", folder, "--example", "small").code == 0
    monkeypatch.setenv("COLUMNS", "40")
    wide: list[str] = []
    for line in QUESTIONS:
        result = Net(folder)(*line.split())
        assert result.code in (0, 1), f"{line}: {result.err}"
        assert result.out, line
        wide += too_wide(line, result.out + result.err)
    assert not wide, "\n".join(wide)


# ── other versions ───────────────────────────────────────────────────────────────────────────────


def unpacked(name: str, folder: Path) -> Net:
    """A network folder as an earlier version left it: store, plan file, and the switches of its lab."""
    with tarfile.open(VERSIONS / f"{name}.tar.gz") as archive:
        archive.extraction_filter = tarfile.data_filter if hasattr(tarfile, "data_filter") else None
        archive.extractall(folder)
    record = folder / ".sdnctl" / "lab.json"
    record.write_text(record.read_text(encoding="utf-8").replace("@FOLDER@", str(folder)), encoding="utf-8")
    return Net(folder)


VERSION_NAMES = sorted(path.name.removesuffix(".tar.gz") for path in VERSIONS.glob("*.tar.gz"))


@pytest.mark.parametrize("name", VERSION_NAMES)
def test_what_an_earlier_version_stored_is_read_and_carried_on(name: str, tmp_path: Path) -> None:
    net = unpacked(name, tmp_path / "net")
    before: dict[str, RuleSet] = net.held()
    assert [one["reason"] for one in net.json("history")["snapshots"]] == ["apply"]
    assert net.json("drift")["ok"]
    assert net.held() == before, "reading changes nothing"
    net.ok("apply", "--yes")  # the edit that it had planned
    net.assert_exact()
    net.probe()
    net.ok("rollback", "1", "--yes")
    assert net("drift", "--exit-code").code == 0
    assert [one["reason"] for one in net.json("history")["snapshots"]] == ["rollback", "apply", "apply"]


@pytest.mark.parametrize("name", VERSION_NAMES)
def test_a_plan_of_an_earlier_version_is_read_and_refused_as_stale(name: str, tmp_path: Path) -> None:
    net = unpacked(name, tmp_path / "net")
    before = net.held()
    result = net("apply", net.path("plan.json"), "--yes")
    assert result.code == 1
    assert "stale-plan" in result.err
    assert "by another sdnctl" in result.plain
    assert net.held() == before


def test_there_are_earlier_versions() -> None:
    assert VERSION_NAMES

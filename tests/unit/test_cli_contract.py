"""The command line as a contract: every verb's JSON, every exit code, markdown, narrow and plain terminals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sdnctl_in_process import Net, new_net, sdnctl

from sdnctl import __version__

DEMAND = "enterprise/ent-a1>ent-a2"
LISTINGS = ("switches", "links", "srlgs", "endpoints", "intents", "demands", "trunks", "bypasses", "rules")
READING = (
    ("validate", "validate"),
    ("compile", "compile"),
    *((f"show {what}", "show") for what in LISTINGS),
    ("explain enterprise", "explain"),
    (f"explain {DEMAND}", "explain"),
    ("drivers", "drivers"),
    ("schema", "schema"),
    ("plan", "plan"),
    ("plan --against empty --baseline none", "plan"),
    ("apply --yes", "apply"),
    ("drift", "drift"),
    ("history", "history"),
    ("history 1", "history"),
    ("verify", "verify"),
    ("verify --live --failures link", "verify"),
    ("status", "status"),
    ("controller reconcile --no-hold-down", "controller reconcile"),
    ("lab heal", "lab heal"),
)


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Net:
    net = new_net(tmp_path_factory.mktemp("cli") / "a network", example="small-links")
    net.ok("apply", "--yes")
    return net


@pytest.fixture
def edited(net: Net) -> Iterator[Net]:
    """With a pending edit: a flood sensor less, which is an outage of a protected class."""
    path = net.path("intents/flood-sensors.yaml")
    text = path.read_text()
    path.write_text(text.replace("tags: [river]", "tags: [bridge]"))
    yield net
    path.write_text(text)


# ── JSON ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("line", "command"), READING)
def test_every_verb_answers_in_json(net: Net, line: str, command: str) -> None:
    document = net.json(*line.split())
    assert (document["format"], document["command"], document["ok"]) == (1, command, True)
    assert len(document) > 3


def test_the_next_command_that_init_names_can_be_pasted(tmp_path: Path) -> None:
    said = sdnctl("init", tmp_path / "a network", "--example", "small-links").out
    wanted = f"sdnctl --network '{tmp_path / 'a network'}' validate"
    assert "".join(wanted.split()) in "".join(said.split()), "whatever the width of the terminal"


def test_verbs_that_change_things_answer_in_json(tmp_path: Path) -> None:
    """Also what they say is what they did."""
    made = sdnctl("--format", "json", "init", tmp_path / "new", "--example", "small-links").document
    assert (made["command"], made["ok"], "network.yaml" in made["files"]) == ("init", True, True)
    net = Net(tmp_path / "new")
    up = net.json("lab", "up", "--kind", "memory")
    assert (up["command"], up["kind"], up["switches"], up["links"]) == ("lab up", "memory", 12, 18)
    applied = net.json("apply", "--yes")
    assert (applied["ok"], applied["snapshot"], applied["resumed"]) == (True, 1, None)
    assert applied["summary"]["add"] == sum(map(len, net.ours().values()))
    flipped = net.json("controller", "flip", "pop-north>pop-south/disjoint#1")
    assert (flipped["command"], flipped["ok"], len(flipped["steps"])) == ("controller flip", True, 1)
    where = net.json("lab", "address", "pop-north")
    assert where["address"].startswith("memory:")
    assert net.json("lab", "address", "nobody", code=1)["diagnostics"][0]["code"] == "no-such-switch"
    cut = net.json("lab", "cut", "core-a--pop-north")
    assert (cut["command"], cut["ok"], cut["links"]) == ("lab cut", True, ["core-a--pop-north"])
    assert cut["already"] == []
    assert net.json("lab", "cut", "core-a--pop-north")["already"] == ["core-a--pop-north"]
    assert "cut before: core-a--pop-north; nothing else" in net.ok("lab", "cut", "core-a--pop-north").out
    assert not net.json("status")["ok"]
    net.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 30 Mbit/s")
    assert net.json("apply", "--yes")["snapshot"] == 3
    back = net.json("rollback", "--yes")
    assert (back["command"], back["ok"], back["to"], back["snapshot"]) == ("rollback", True, 2, 4)
    down = net.json("lab", "down")
    assert (down["command"], down["ok"], down["was_up"]) == ("lab down", True, True)


@pytest.mark.parametrize(
    ("line", "command", "code", "what"),
    [
        ("apply nowhere.json", "apply", 1, "plan-unreadable"),
        ("rollback --yes", "rollback", 1, "nothing-before"),
        ("rollback --yes 99", "rollback", 1, "no-such-snapshot"),
        ("history 99", "history", 1, "no-such-snapshot"),
        ("explain nobody", "explain", 1, "no-such-intent"),
        ("schema nothing", "schema", 1, "no-such-schema"),
        ("plan --against nowhere.json", "plan", 1, "against-unreadable"),
        ("plan --baseline nowhere.json", "plan", 1, "baseline-unreadable"),
        ("plan -o /nowhere/plan.json", "plan", 1, "cannot-write"),
        ("compile -o /nowhere/state.json", "compile", 1, "cannot-write"),
        ("verify --rules nowhere.json", "verify", 1, "rules-unreadable"),
        ("verify --failures some", "verify", 64, "no-such-failures"),
        ("show nothing", "show", 64, "no-such-listing"),
        ("lab up --kind memory", "lab up", 1, "lab-already-up"),
        ("lab cut nothing", "lab cut", 1, "no-such-thing"),
        ("controller flip nothing", "controller flip", 1, "no-standby"),
        ("plan --no-such-option", "plan", 64, "usage"),
        ("lab cut", "lab cut", 64, "usage"),
        ("history one", "history", 64, "usage"),
    ],
)
def test_errors_are_documents_too(net: Net, line: str, command: str, code: int, what: str) -> None:
    document = net.json(*line.split(), code=code)
    assert (document["format"], document["command"], document["ok"]) == (1, command, False)
    found = document["diagnostics"][0]
    assert (found["code"], found["severity"]) == (what, "error")
    assert found["summary"]
    assert found["hint"] or found["detail"]
    plain = net(*line.split())
    assert (plain.code, plain.out) == (code, "")
    assert f"error[{what}]" in plain.err


# ── exit codes ───────────────────────────────────────────────────────────────────────────────────


def test_exit_codes(net: Net, edited: Net) -> None:
    """0 done; 2 changes pending, only when asked for; 3 a protected class would be interrupted."""
    assert net("plan").code == 3
    assert net("plan", "--exit-code").code == 3
    assert net("apply", "--yes").code == 3
    net.edit("intents/flood-sensors.yaml", "tags: [bridge]", "tags: [river]")
    text = net.path("intents/schools.yaml").read_text()
    net.path("intents/schools.yaml").write_text(text.replace("up: 20 Mbit/s", "up: 21 Mbit/s"))
    assert net("plan").code == 0
    assert net("plan", "--exit-code").code == 2
    net.path("intents/schools.yaml").write_text(text)
    assert net("plan", "--exit-code").code == 0


def test_who_does_not_answer_is_neither_up_nor_as_it_should_be(tmp_path: Path) -> None:
    """One switch, then none; with nothing to change, and with an edit that waits for the one that is silent."""
    net = new_net(tmp_path / "net", example="small-links", kind="")
    assert "12 switches, 18 links in the folder" in net.ok("status").out
    net.ok("lab", "up", "--kind", "memory")
    net.ok("apply", "--yes")
    net.board.set_reachable("com-dourbie", False)
    shown = net("plan", "--exit-code")
    assert shown.code == 0, "it has what was asked for, as far as is known, and everybody else has"
    assert "nothing to do: the other switches hold" in " ".join(shown.out.split())
    assert "switches 11/12 answer, links 18/18 up" in net.ok("status").out
    net.edit("intents/flood-sensors.yaml", "up: 64 kbit/s", "up: 32 kbit/s")
    assert net("plan", "--exit-code").code == 2
    net.ok("apply", "--yes")
    net.ok("lab", "down")
    shown = net("plan", "--exit-code")
    assert (shown.code, "no switch of vallerive-links answers" in shown.out) == (2, True)
    for words in (("apply", "--yes"), ("rollback", "--yes")):
        assert net.json(*words, code=1)["diagnostics"][0]["code"] == "nobody-answers"
    assert len(net.history()) == 2
    assert "switches 0/12 answer, links 0/18 up, 18 not known" in net.ok("status").out
    found = net.json("status")
    assert (found["ok"], len(found["unreachable"]), len(found["unseen"])) == (False, 12, 18)


def test_failed_verification_is_four(net: Net) -> None:
    with net.board.changing("core-a") as embedded:
        kept = dict(embedded.rules.flows)
        embedded.rules.flows = {key: flow for key, flow in kept.items() if flow.table != 3}
    assert net.json("verify", "--live", code=4)["ok"] is False
    assert "error[v2-drift]" in net("verify", "--live").err
    assert net("drift").code == 0
    assert net("drift", "--exit-code").code == 2
    with net.board.changing("core-a") as embedded:
        embedded.rules.flows = kept
    assert net("verify", "--live").code == 0


@pytest.mark.parametrize("line", ["", "frobnicate", "--format yaml plan", "lab", "lab sideways", "init"])
def test_a_wrong_command_line_is_sixty_four(line: str) -> None:
    result = sdnctl(*line.split())
    assert (result.code, result.out) == (64, "")
    assert result.err


def test_version_and_help() -> None:
    assert sdnctl("--version").out.strip() == f"sdnctl {__version__}"
    for line in ("--help", "plan --help", "lab up -h", "controller --help"):
        result = sdnctl(*line.split())
        assert (result.code, result.err) == (0, "")
        assert "Usage: sdnctl" in result.out


# ── for people and for merge requests ────────────────────────────────────────────────────────────


def test_markdown_of_plan_and_apply(net: Net, edited: Net) -> None:
    shown = net("--format", "markdown", "plan")
    assert shown.code == 3
    assert "| flood-sensors |" in shown.out
    assert "**" in shown.out or "#" in shown.out
    assert "\x1b" not in shown.out
    assert "─" not in shown.out  # no box drawn for a terminal
    applied = net("--format", "markdown", "apply", "--yes").out
    rows = [line for line in shown.out.splitlines() if line.startswith("|")]
    assert rows == [line for line in applied.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    "line", ["plan", "status", "verify", "drift", "history", "history 1", "explain enterprise"]
)
def test_forty_columns(net: Net, edited: Net, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Nothing is wider than the terminal, and nothing is cut off with an ellipsis."""
    monkeypatch.setenv("COLUMNS", "40")
    result = net(*line.split())
    assert result.code in (0, 3)
    text = result.out + result.err
    assert text
    assert max(map(len, text.splitlines())) <= 40
    assert "…" not in text


def test_global_options_from_the_environment(net: Net, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SDNCTL_NETWORK", str(net.folder))
    monkeypatch.setenv("SDNCTL_FORMAT", "json")
    assert sdnctl("history").document["snapshots"][0]["id"] == 1
    monkeypatch.setenv("SDNCTL_STORE", f"sqlite:///{tmp_path}/other.db")
    assert sdnctl("history").document["snapshots"] == []
    monkeypatch.setenv("SDNCTL_AUTHOR", "pipeline 42")
    monkeypatch.delenv("SDNCTL_STORE")


# ── processes ────────────────────────────────────────────────────────────────────────────────────


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A real process, without a terminal, with a home that cannot be written."""
    return subprocess.run(
        [sys.executable, "-m", "sdnctl", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], "HOME": "/dev/null/nobody", **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        cwd="/",
    )


@pytest.mark.parametrize("environment", [{"LANG": "C"}, {"LC_ALL": "C"}, {"PYTHONIOENCODING": "latin-1"}], ids=str)
def test_any_locale_will_do(net: Net, edited: Net, environment: dict[str, str]) -> None:
    """Arrows and boxes that an output cannot carry are no reason to fail, and JSON stays JSON."""
    shown = process("-n", net.folder, "plan", **environment)
    assert shown.returncode == 3, shown.stderr
    assert b"Traceback" not in shown.stderr
    told = process("-n", net.folder, "--format", "json", "explain", DEMAND, **environment)
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout.decode(environment.get("PYTHONIOENCODING", "utf-8")))["ok"]


@pytest.mark.parametrize("line", ["show rules", "history"], ids=["much", "little"])
def test_a_reader_that_leaves_early_is_not_shouted_at(net: Net, line: str) -> None:
    """As other programs do it: an exit code that says so, and no traceback."""
    command = [sys.executable, "-m", "sdnctl", "-n", str(net.folder), *line.split()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as shown:
        assert shown.stdout is not None
        assert shown.stderr is not None
        shown.stdout.close()
        assert shown.wait(60) == 1
        assert shown.stderr.read() == b""


def test_help_loads_nothing_heavy() -> None:
    """It must be there at once: no database, no graphs, no solver."""
    script = (
        "import sys\nsys.argv = ['sdnctl', '--help']\nfrom sdnctl.cli.app import run\n"
        "try:\n    run()\nexcept SystemExit:\n    pass\n"
        "heavy = {'sqlalchemy', 'networkx', 'numpy', 'scipy', 'highspy', 'shapely', 'pydantic', 'yaml'}\n"
        "print('loaded:', *sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "Usage: sdnctl" in done.stdout
    assert done.stdout.splitlines()[-1] == "loaded:"

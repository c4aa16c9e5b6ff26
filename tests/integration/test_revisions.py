"""`diff REV`, hooks on what is staged, and plans that travel between checkouts: on a real git repository."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from runner import Town, git
from sdnctl_in_process import Net, sdnctl

from sdnctl.errors import InputError, PlanError
from sdnctl.plan.model import Plan
from sdnctl.plan.serialise import dumps, loads, plan_fingerprint
from sdnctl.usecases.planning import read_plan

SCHOOLS = "intents/schools.yaml"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    """A network that is committed and applied, and a later commit that is applied nowhere."""
    made = Town(tmp_path_factory.mktemp("town with a blank"), "gitlab")
    made.commit("the network")
    git(made.repository.folder, "tag", "applied")
    made.repository.ok("apply", "--yes")
    made.repository.edit(SCHOOLS, "up: 20 Mbit/s", "up: 30 Mbit/s")
    made.repository.path("intents/flood-sensors.yaml").unlink()
    made.commit("schools get more, the river nothing")
    git(made.repository.folder, "tag", "later")
    git(made.repository.folder, "checkout", "-q", "applied")
    return made


@pytest.fixture
def net(town: Town) -> Iterator[Net]:
    """The repository; afterwards it is as it was applied, and nothing else lies in it."""
    yield town.repository
    git(town.repository.folder, "checkout", "-q", "-f", "applied")
    git(town.repository.folder, "clean", "-q", "-f", "-d")


def listing(net: Net) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(net.folder.rglob("*")) if path.is_file()}


# ── diff ─────────────────────────────────────────────────────────────────────────────────────────


def test_diff_says_what_a_revision_changes(net: Net) -> None:
    before = listing(net)
    found = net.json("diff", "applied", "later")
    assert listing(net) == before, "nothing in the folder, or in git, is touched"
    assert not found["empty"]
    assert [(one["name"], one["kind"]) for one in found["files"]] == [
        ("intents/flood-sensors.yaml", "removed"),
        (SCHOOLS, "changed"),
    ]
    flood, schools = found["intents"]
    assert (flood["name"], flood["kind"]) == ("flood-sensors", "removed")
    assert schools["edits"] == [{"what": "bandwidth.up", "before": "20 Mbit/s", "after": "30 Mbit/s"}]
    kinds = {one["name"].partition("/")[0]: one["kind"] for one in found["demands"]}
    assert kinds == {"flood-sensors": "removed", "schools": "changed"}
    assert {one["kind"] for one in found["trunks"]} <= {"removed", "changed"}
    assert found["outages"] == ["flood-sensors"]
    impacts = {one["application"]: (one["effect"], one["who"]) for one in found["impacts"]}
    assert impacts == {
        "flood-sensors": ("outage", "town, water-office"),
        "schools": ("hitless", "schools, school-board"),
    }


def test_diff_shows_what_a_plan_would_do(net: Net) -> None:
    """Rules per switch and effects are those of a plan, where the older revision is what is applied."""
    found = net.json("diff", "applied", "later")
    git(net.folder, "checkout", "-q", "later")
    planned = net.json("plan", code=3)
    assert found["switches"] == planned["summary"]["devices"]
    wanted = [(one["application"], one["effect"], one["demands"]) for one in planned["plan"]["plan"]["impacts"]]
    assert [(one["application"], one["effect"], one["demands"]) for one in found["impacts"]] == wanted


def test_diff_against_the_working_tree_and_exit_codes(net: Net) -> None:
    same = net("diff", "applied", "--exit-code")
    assert (same.code, "nothing that matters differs" in same.out) == (0, True)
    net.edit(SCHOOLS, "roots: {kind: school-gateway}", "roots:   {kind:   school-gateway}  # same")
    assert net("diff", "HEAD", "--exit-code").code == 0
    net.edit(SCHOOLS, "up: 20 Mbit/s", "up: 30 Mbit/s")
    shown = net("diff", "HEAD", "--exit-code")
    assert (shown.code, "bandwidth.up: 20 Mbit/s → 30 Mbit/s" in shown.out) == (2, True)
    assert net("diff", "applied", "later", "--exit-code").code == 3
    text = sdnctl("-n", net.folder, "--format", "markdown", "diff", "applied", "later").out
    assert text.startswith("<!-- sdnctl:diff vallerive-links -->\n## vallerive-links: applied (")
    assert "> **A protected class would be interrupted:** scada." in text
    assert "bandwidth.up: 20 Mbit/s → 30 Mbit/s" in text


def test_faults_of_a_revision_name_it(net: Net) -> None:
    assert net.json("diff", "nowhere", code=1)["diagnostics"][0]["code"] == "no-such-revision"
    assert net.json("diff", "--", "--output=x", code=1)["diagnostics"][0]["code"] == "no-such-revision"
    net.edit(SCHOOLS, "class: education", "clas: education")
    git(net.folder, "commit", "-q", "-a", "-m", "wrong")
    wrong = net.json("diff", "HEAD", "applied", code=1)["diagnostics"][0]
    assert (wrong["file"], wrong["line"]) == (f"HEAD:{SCHOOLS}", 2)
    outside = net.folder.parent / "elsewhere"
    outside.mkdir(exist_ok=True)
    sdnctl("init", outside / "net", "--example", "small-links")
    found = sdnctl("-n", outside / "net", "--format", "json", "diff", "HEAD")
    assert (found.code, found.codes()) == (1, {"no-such-revision"})


def test_a_network_in_a_folder_of_a_repository_with_links(net: Net) -> None:
    """Files of one network only; a symbolic link is what it points to, and one that leads away is named."""
    top = net.folder.parent / "nested"
    shutil.copytree(net.folder, top / "sites" / "town", ignore=shutil.ignore_patterns(".git"))
    inner = Net(top / "sites" / "town")
    inner.path(SCHOOLS).rename(top / "common.yaml")
    inner.path(SCHOOLS).symlink_to("../../../common.yaml")
    git(top, "init", "-q")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "one")
    assert inner("diff", "HEAD", "--exit-code").code == 0
    assert inner.ok("hook", "check").out.startswith("staged: ")
    inner.path(SCHOOLS).unlink()
    inner.path(SCHOOLS).symlink_to("/etc/hostname")
    git(top, "commit", "-q", "-a", "-m", "two")
    assert inner.json("diff", "HEAD", code=1)["diagnostics"][0]["code"] == "link-leads-nowhere"


def test_parts_of_a_network_that_are_elsewhere_are_not_taken_for_removed(net: Net) -> None:
    """A folder that is a link or a submodule is refused by name; so is an object that a clone does not have."""
    top = net.folder.parent / "parts"
    for name in ("linked", "moduled"):
        shutil.copytree(net.folder, top / name, ignore=shutil.ignore_patterns(".git", ".sdnctl"))
        shutil.move(top / name / "intents", top / f"intents of {name}")
    (top / "linked" / "intents").symlink_to("../intents of linked")
    inner = top / "moduled" / "intents"
    shutil.copytree(top / "intents of moduled", inner)
    for folder in (inner, top):
        git(folder, "init", "-q")
        if folder is top:
            for name in ("linked", "moduled"):
                assert "nothing is committed" in Net(top / name)("diff", "HEAD").plain
        git(folder, "-c", "advice.addEmbeddedRepo=false", "add", "-A")
        git(folder, "commit", "-q", "-m", "one")
    for name, code in (("linked", "link-leads-nowhere"), ("moduled", "network-in-submodule")):
        there = Net(top / name)
        there.ok("validate")
        for words in (("diff", "HEAD"), ("hook", "check")):
            (fault,) = there.json(*words, code=1)["diagnostics"]
            assert (fault["code"], fault["file"].removeprefix("HEAD:")) == (code, f"{name}/intents")
    (top / "linked" / "intents").unlink()
    shutil.copytree(top / "intents of linked", top / "linked" / "intents")
    git(top, "add", "linked/intents")
    git(top, "commit", "-q", "-m", "two")
    blob = git(top, "rev-parse", "HEAD:linked/network.yaml").strip()
    (top / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    (fault,) = Net(top / "linked").json("diff", "HEAD", code=1)["diagnostics"]
    assert (fault["code"], blob in fault["summary"]) == ("git-failed", True)


# ── what is staged ───────────────────────────────────────────────────────────────────────────────


def test_hook_looks_at_what_is_staged_and_not_at_the_working_tree(net: Net) -> None:
    assert net("hook", "check").code == 0
    good = net.path(SCHOOLS).read_text()
    net.path(SCHOOLS).write_text("broken: [\n")
    assert net("hook", "check").code == 0, "not staged, so not looked at"
    git(net.folder, "add", SCHOOLS)
    net.path(SCHOOLS).write_text(good)
    found = net.json("hook", "check", code=1)
    assert [(one["code"], one["file"]) for one in found["diagnostics"]] == [("yaml-syntax", SCHOOLS)]
    net.path(SCHOOLS).write_text(good.replace("roots: ", "roots:   "))
    git(net.folder, "add", SCHOOLS)
    net.path(SCHOOLS).write_text(good)
    shown = net("hook", "check")
    assert shown.code == 1
    assert f"{SCHOOLS}:6" in shown.plain
    assert "1 not in canonical form" in shown.out
    git(net.folder, "add", SCHOOLS)
    assert net("hook", "check").code == 0


def test_the_installed_hook_stops_a_commit(net: Net) -> None:
    where = Path(net.json("hook", "install")["hook"])
    assert where == net.folder / ".git" / "hooks" / "pre-commit"
    net.ok("hook", "install")
    net.edit(SCHOOLS, "class: education", "clas: education")
    with pytest.raises(subprocess.CalledProcessError) as stopped:
        git(net.folder, "commit", "-q", "-a", "-m", "wrong")  # -a: git gives the hook an index of its own
    assert "unknown-key" in stopped.value.stderr
    assert "Did you mean class?" in " ".join(stopped.value.stderr.split())
    where.write_text("#!/bin/sh\nexit 0\n")
    assert net.json("hook", "install", code=1)["diagnostics"][0]["code"] == "hook-exists"
    net.ok("hook", "install", "--force")
    where.unlink()


def test_init_makes_a_repository_with_hook_and_pipeline(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    git(folder, "init", "-q")  # a fresh repository is an empty folder
    made = sdnctl("init", folder, "--example", "small-links", "--hook", "--pipeline", "github")
    assert made.code == 0, made.err
    assert os.access(folder / ".git" / "hooks" / "pre-commit", os.X_OK)
    assert (folder / ".github" / "workflows" / "network.yml").is_file()
    assert (folder / "ci" / "comment.py").is_file()
    assert sdnctl("init", tmp_path / "other", "--hook", "--example", "small-links").code == 0
    assert os.access(tmp_path / "other" / ".git" / "hooks" / "pre-commit", os.X_OK)
    assert sdnctl("init", tmp_path / "third", "--pipeline", "nobody").code == 1
    assert not (tmp_path / "third").exists()


# ── plans that travel ────────────────────────────────────────────────────────────────────────────


def without_times(path: Path) -> dict[str, Any]:
    """A plan's document, but for when it was made (and the fingerprint, which covers that)."""
    document = json.loads(path.read_text())
    del document["fingerprint"], document["plan"]["created"]
    found: dict[str, Any] = document
    return found


def test_a_checkout_without_the_store_gives_the_same_plan(town: Town, net: Net, tmp_path: Path) -> None:
    git(net.folder, "checkout", "-q", "later")
    shown = net.ok("show", "baseline", "-o", tmp_path / "baseline.json")
    assert shown.out.startswith("snapshot 1: ")
    assert net("plan", "-o", tmp_path / "with store.json").code == 3
    elsewhere = tmp_path / "somewhere" / "else"
    git(tmp_path, "clone", "-q", str(net.folder), str(elsewhere))
    clone = Net(elsewhere)
    git(elsewhere, "checkout", "-q", "later")
    plan = ("plan", "--baseline", tmp_path / "baseline.json", "-o", tmp_path / "without.json")
    assert clone(*plan).code == 3
    assert not (elsewhere / ".sdnctl").exists()
    one, two = tmp_path / "with store.json", tmp_path / "without.json"
    assert without_times(one) == without_times(two)
    lines = [
        [line for number, line in enumerate(path.read_bytes().splitlines()) if b'"created"' not in line and number]
        for path in (one, two)
    ]
    assert lines[0] == lines[1], "byte for byte"

    # that plan, made there, applies here; and what it does not know of is refused
    git(net.folder, "checkout", "-q", "applied")
    assert net.json("apply", two, code=1)["diagnostics"][0]["code"] == "stale-plan"  # other files
    git(net.folder, "checkout", "-q", "later")
    assert net.json("apply", two, code=3)["diagnostics"][0]["code"] == "outage"
    before = town.held()
    assert net.json("apply", two, "--allow-outage", "scada")["snapshot"] == 2
    assert town.held() < before
    net.ok("rollback", "--yes")
    assert town.held() == before


def test_show_baseline_needs_something_applied(tmp_path: Path) -> None:
    sdnctl("init", tmp_path / "net", "--example", "small-links")
    found = sdnctl("-n", tmp_path / "net", "--format", "json", "show", "baseline", "-o", tmp_path / "b.json")
    assert (found.code, found.codes()) == (1, {"nothing-applied"})
    assert not (tmp_path / "b.json").exists()


@pytest.fixture(scope="module")
def plan_text(town: Town, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A plan with modifications and deletions on several switches."""
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    git(town.repository.folder, "checkout", "-q", "later")
    assert town.repository("plan", "-o", path).code == 3
    git(town.repository.folder, "checkout", "-q", "applied")
    return path.read_text()


@given(st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_plan_with_any_octet_changed_is_refused(plan_text: str, tmp_path: Path, data: st.DataObject) -> None:
    """That is said, with what to do. What changes no value (a blank for the end of a line) is no change."""
    content = bytearray(plan_text.encode())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255).filter(lambda octet: octet != content[place]))
    path = tmp_path / "plan.json"
    path.write_bytes(bytes(content))
    try:
        read_plan(path)
    except (PlanError, InputError) as error:
        (found,) = error.diagnostics
        assert found.code in ("altered-plan", "not-a-plan", "plan-format", "plan-unreadable")
        assert "plan" in found.hint
    else:
        assert json.loads(content) == json.loads(plan_text)


def test_every_field_of_a_plan_is_covered(plan_text: str) -> None:
    document = json.loads(plan_text)
    fields = [(name, document["plan"]) for name in document["plan"]]
    fields += [(name, stage) for stage in document["plan"]["stages"] for name in stage]
    fields += [(name, impact) for impact in document["plan"]["impacts"] for name in impact]
    for name, holder in [*fields, ("fingerprint", document), ("format", document), ("kind", document)]:
        kept = holder[name]
        holder[name] = "x" if kept is None else None
        with pytest.raises(PlanError):
            loads(json.dumps(document))
        del holder[name]
        with pytest.raises(PlanError):
            loads(json.dumps(document))
        holder[name] = kept
    assert loads(json.dumps(document)) == loads(plan_text)


def test_a_plan_that_was_signed_again_is_refused_by_what_it_does(net: Net, tmp_path: Path) -> None:
    """A fingerprint keeps nobody from writing another: apply compares with what it would plan itself."""
    net.edit(SCHOOLS, "up: 20 Mbit/s", "up: 30 Mbit/s")
    net("plan", "-o", tmp_path / "plan.json")
    plan = read_plan(tmp_path / "plan.json")
    stage = next(one for one in plan.stages if one.changes)
    device = next(iter(stage.changes))
    fewer = replace(stage, changes={**stage.changes, device: stage.changes[device][1:]})

    def signed(forged: Plan) -> Path:
        path = tmp_path / "forged.json"
        path.write_text(dumps(replace(forged, fingerprint=plan_fingerprint(forged))))
        return path

    forged = replace(plan, stages=tuple(fewer if one is stage else one for one in plan.stages))
    found = net.json("apply", signed(forged), code=1)["diagnostics"][0]
    assert (found["code"], "plan again" in found["hint"]) == ("stale-plan", True)
    other = replace(plan, target="0" * 64)
    assert net.json("apply", signed(other), code=1)["diagnostics"][0]["code"] == "stale-plan"

"""The pipelines that `init` makes, run step by step: validate, plan, approve, apply; each job in its own clone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml
from runner import Forge, Runner, StepFailed, Town
from sdnctl_in_process import sdnctl

ROOT = Path(__file__).parent.parent.parent
MARK = "<!-- sdnctl:plan vallerive-links -->"


@pytest.fixture
def forge() -> Iterator[tuple[Forge, str]]:
    there = Forge()
    with there.serving() as address:
        yield there, address


def test_gitlab_from_a_commit_to_the_switches(tmp_path: Path, forge: tuple[Forge, str]) -> None:
    town = Town(tmp_path, "gitlab")
    runner, (there, address) = town.runner, forge
    merge_request = {
        "CI_API_V4_URL": address,
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "3",
        "COMMENT_TOKEN": "sesame",
    }
    first = town.commit("the network")
    runner.gitlab("validate", first)
    cases = ElementTree.fromstring(runner.kept["validate.xml"])
    assert (cases.tag, cases.get("failures")) == ("testsuites", "0")
    assert int(cases.get("tests", "0")) > 8
    runner.gitlab("plan", first, **merge_request)
    runner.gitlab("apply", first)
    assert town.held() > 100

    # a change on a merge request: the comment is found again behind a hundred others, and updated
    town.repository.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 30 Mbit/s")
    second = town.commit("schools get more")
    runner.gitlab("plan", second, **merge_request)
    ours = [one["body"] for one in there.comments if one["body"].startswith(MARK)]
    assert len(ours) == 1
    assert "| schools | education | 3 | hitless | its rate changes |" in ours[0]
    assert "schools, school-board |" in ours[0]
    assert there.requests[-1][0] == "PUT"

    # approved; but meanwhile somebody applies something else: the plan is stale, and nothing is touched
    approved = dict(runner.kept)
    town.repository.edit("intents/schools.yaml", "down: 50 Mbit/s", "down: 40 Mbit/s")
    town.repository.ok("apply", "--yes")
    before = town.live.ours()
    with pytest.raises(StepFailed, match="stale-plan"):
        runner.gitlab("apply", second)
    assert town.live.ours() == before

    # the same files, planned again, do apply; and a plan that was touched on its way does not
    third = town.commit("and send less")
    runner.gitlab("plan", third)
    good = runner.kept["plan.json"]
    assert good != approved["plan.json"]
    runner.kept["plan.json"] = good.replace(b'"created":"2', b'"created":"3', 1)
    with pytest.raises(StepFailed, match="altered-plan"):
        runner.gitlab("apply", third)
    runner.kept["plan.json"] = good
    runner.gitlab("apply", third)
    assert town.repository.json("plan", "--exit-code")["empty"]


def test_gitlab_stops_at_what_is_wrong_and_shows_where(tmp_path: Path) -> None:
    town = Town(tmp_path, "gitlab")
    town.repository.edit(
        "intents/schools.yaml", "roots: {kind: school-gateway}", "roots:   {kind: school-gateway}"
    )
    with pytest.raises(StepFailed, match="1 to format"):
        town.runner.gitlab("validate", town.commit("badly written"))
    town.repository.edit(
        "intents/schools.yaml", "roots:   {kind: school-gateway}", "roots: {knid: school-gateway}"
    )
    with pytest.raises(StepFailed, match="Did you mean kind"):
        town.runner.gitlab("validate", town.commit("wrong"))
    report = ElementTree.fromstring(town.runner.kept["validate.xml"])
    (case,) = [case for case in report.iter("testcase") if case.find("failure") is not None]
    assert (case.get("name"), case.get("file")) == ("intents/schools.yaml", "intents/schools.yaml")


def test_github_from_a_commit_to_the_switches(tmp_path: Path, forge: tuple[Forge, str]) -> None:
    town = Town(tmp_path, "github")
    runner, (there, address) = town.runner, forge
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))
    context = {
        "vars.SDNCTL_CONTROLLER || 'none'": "none",
        "secrets.SDNCTL_TOKEN": "",
        "github.token": "sesame",
        "vars.ALLOW": "",
    }
    variables = {
        "GITHUB_EVENT_PATH": str(event),
        "GITHUB_API_URL": address,
        "GITHUB_REPOSITORY": "town/network",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
    }
    first = town.commit("the network")
    runner.github("validate", first, context)
    assert json.loads(runner.kept["validate.sarif"])["runs"][0]["results"] == []
    runner.github("plan", first, context, GITHUB_EVENT_NAME="pull_request", **variables)
    assert there.comments[-1]["body"].startswith(MARK)
    assert there.requests[-1] == ("POST", "/repos/town/network/issues/12/comments")
    assert (tmp_path / "summary.md").read_text().startswith(MARK)
    assert len(there.comments) == 131
    runner.github("apply", first, context, **variables)
    assert town.held() > 100
    assert town.repository.json("plan", "--exit-code")["empty"]


def test_a_comment_without_token_or_merge_request_is_no_error(tmp_path: Path, forge: tuple[Forge, str]) -> None:
    there, address = forge
    (tmp_path / "plan.md").write_text(f"{MARK}\n")
    runner = Runner(tmp_path, tmp_path / "runner", {})
    script = f"python '{ROOT}/lab/pipelines/comment.py' plan.md"
    request = {"CI_API_V4_URL": address, "CI_PROJECT_ID": "7", "CI_MERGE_REQUEST_IID": "3"}
    runner.step(tmp_path, ["sh"], script, request)
    runner.step(tmp_path, ["sh"], script, {"COMMENT_TOKEN": "sesame"})
    assert [said.strip() for said in runner.log] == ["no merge request to comment on, or no COMMENT_TOKEN"] * 2
    assert not there.requests
    with pytest.raises(StepFailed, match="could not be written: HTTP Error 401"):
        runner.step(tmp_path, ["sh"], script, {**request, "COMMENT_TOKEN": "wrong"})


def test_the_hooks_for_pre_commit_call_verbs_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert [hook["id"] for hook in hooks] == ["sdnctl", "sdnctl-fmt"]
    for hook in hooks:
        assert sdnctl(*hook["entry"].split()[1:], "--help").code == 0
        assert hook["pass_filenames"] is False

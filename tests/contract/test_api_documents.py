"""What the API answers is what `--format json` prints, and is described: no key that the models do not know."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from typing import Any

import pytest
from controller_thread import Running, applied_net
from pydantic import BaseModel

from sdnctl.api.models import base, changes, network, records
from sdnctl.store.state import dumps

DEMAND = "enterprise/ent-a1>ent-a2"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(applied_net(tmp_path_factory.mktemp("documents") / "net"), tcp=False) as running:
        yield running


def described(kind: type[BaseModel], document: dict[str, Any]) -> None:
    """Fails for what a model does not take, and for keys that none of its parts describes."""
    found = kind.model_validate(document)

    def extra(value: Any, path: str) -> list[str]:
        if isinstance(value, BaseModel):
            more = [f"{path}.{name}" for name in value.model_extra or ()]
            return more + [
                one for name in type(value).model_fields for one in extra(getattr(value, name), f"{path}.{name}")
            ]
        if isinstance(value, list | tuple):
            return [one for item in value for one in extra(item, path)]
        return [one for item in value.values() for one in extra(item, path)] if isinstance(value, dict) else []

    assert extra(found, kind.__name__) == []


@pytest.mark.parametrize(
    ("line", "method", "path", "body", "kind", "loose"),
    [
        ("status", "GET", "/v1/status", None, network.StatusDocument, ()),
        ("status --by tenant", "GET", "/v1/status?by=tenant", None, network.StatusDocument, ()),
        ("status --by area", "GET", "/v1/status?by=area", None, network.StatusDocument, ()),
        ("drift", "GET", "/v1/drift", None, network.DriftDocument, ()),
        ("history", "GET", "/v1/snapshots", None, records.HistoryDocument, ()),
        ("history 1", "GET", "/v1/snapshots/1/journal", None, records.JournalDocument, ()),
        ("verify", "POST", "/v1/verify", {"live": False}, network.VerificationDocument, ("why_no_v3",)),
        (
            "verify --failures link",
            "POST",
            "/v1/verify",
            {"live": False, "failures": "link"},
            network.VerificationDocument,
            ("why_no_v3",),
        ),
        ("controller reconcile", "POST", "/v1/reconcile", {}, changes.ReconciledDocument, ("operation",)),
        ("controller token list", "GET", "/v1/tokens", None, records.TokensDocument, ()),
    ],
)
def test_the_same_documents(
    running: Running, line: str, method: str, path: str, body: Any, kind: type[BaseModel], loose: tuple[str, ...]
) -> None:
    printed = running.net.json(*line.split())
    with running.local() as client:
        answer = client.request(method, path, json=body)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    told = answer.json()
    described(kind, told)
    for one in ("command", *loose):
        printed.pop(one, None)
        told.pop(one, None)
    assert told == printed


def test_a_plan_is_the_same_document(running: Running) -> None:
    """Made by the controller from a state that is sent to it, gzipped, and by the command line from the folder."""
    net = running.net
    net.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 21 Mbit/s")
    net.ok("compile", "-o", net.path("state.json"))
    state = json.loads(net.path("state.json").read_text())
    printed = net.json("plan")
    content = gzip.compress(json.dumps({"state": state}).encode())
    with running.local() as client:
        answer = client.post(
            "/v1/plans", content=content, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
        )
    assert answer.status_code == 200, answer.text
    told = answer.json()
    described(changes.PlanDocument, told)
    del printed["command"]
    for one in (printed, told):
        plan = one["plan"]
        assert plan["plan"].pop("created")
        assert plan.pop("fingerprint")  # covers the time
    assert told == printed
    net.edit("intents/schools.yaml", "up: 21 Mbit/s", "up: 20 Mbit/s")


def test_errors_carry_the_same_diagnostics(running: Running) -> None:
    printed = running.net.json("history", "99", code=1)
    with running.local() as client:
        answer = client.get("/v1/snapshots/99/journal")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    described(base.Problem, answer.json())
    assert answer.json()["diagnostics"] == printed["diagnostics"]


def test_what_only_the_api_tells_is_described(running: Running) -> None:
    with running.local() as client:
        for path, kind in (
            ("/v1/controller", network.ControllerDocument),
            ("/v1/applied", records.AppliedDocument),
            ("/v1/snapshots/1", records.SnapshotDocument),
            ("/v1/trunks", network.TrunksDocument),
            (f"/v1/demands?ids={DEMAND}&ids=nobody", network.DemandsDocument),
            ("/v1/counters", network.CountersDocument),
            ("/v1/verdicts", records.VerdictsDocument),
            ("/v1/audit", records.AuditDocument),
            ("/v1/bindings", records.BindingsDocument),
            ("/v1/door", network.DoorDocument),
            ("/v1/drift/watch", network.DriftWatchDocument),
            ("/healthz", base.Answer),
            ("/readyz", base.Answer),
        ):
            answer = client.get(path)
            assert answer.status_code == 200, (path, answer.text)
            described(kind, answer.json())
        demands = client.get("/v1/demands", params={"ids": [DEMAND, "nobody"]}).json()
        many = client.post("/v1/demands", json={"ids": [DEMAND, "nobody"]}).json()
        state = client.get("/v1/snapshots/1/state")
        plan = client.get(f"/v1/plans/{client.get('/v1/snapshots/1').json()['snapshot']['plan']}").json()
    assert demands == many
    assert ([one["id"] for one in demands["demands"]], demands["unknown"]) == ([DEMAND], ["nobody"])
    assert state.text == dumps(running.net.applied()).replace("\n", "")
    assert plan["kind"] == "plan"


def test_metrics_are_for_prometheus(running: Running) -> None:
    with running.local() as client:
        answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert "sdnctl_lease_held 1.0" in answer.text
    assert 'sdnctl_switch_up{switch="core-a"} 1.0' in answer.text

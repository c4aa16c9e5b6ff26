"""Who may do what over the API: tokens, roles, tenants, the Unix socket; and that every change leaves its line."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from controller_thread import Running, applied_net
from sdnctl_in_process import Net

from sdnctl.api.access import AUTHOR, Caller, Gate
from sdnctl.api.tenancy import check_own
from sdnctl.daemon.events import Kind
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import Forbidden, NoCredentials
from sdnctl.plan.serialise import dumps as dumps_plan
from sdnctl.plan.serialise import plan_fingerprint
from sdnctl.store.state import State
from sdnctl.store.state import dumps as dumps_state
from sdnctl.store.tokens import Role
from sdnctl.usecases.context import Context
from sdnctl.usecases.planning import Prepared, prepare

TRUNK = "pop-north>pop-south/disjoint#1"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(applied_net(tmp_path_factory.mktemp("access") / "net")) as running:
        yield running


@pytest.fixture(scope="module")
def tokens(running: Running) -> Mapping[str, str]:
    return {
        "viewer": running.token("viewer", Role.VIEWER),
        "operator": running.token("operator", Role.OPERATOR),
        "admin": running.token("admin", Role.ADMIN),
        "town": running.token("town", Role.OPERATOR, "town"),
        "schools": running.token("schools-viewer", Role.VIEWER, "schools"),
    }


READS = ("/v1/status", "/v1/drift")
WHOLE_READS = (
    "/v1/controller",
    "/v1/applied",
    "/v1/snapshots",
    "/v1/snapshots/1/state",
    "/v1/trunks",
    "/v1/counters",
    "/v1/verdicts",
    "/v1/bindings",
    "/v1/door",
    "/v1/drift/watch",
)
CHANGES: Mapping[str, Any] = {
    "/v1/rollback": {},
    "/v1/resume": {},
    "/v1/reconcile": {"hold_down": False},
    "/v1/flips": {"trunks": ["nobody"]},
    "/v1/drains": {"switch": "nobody"},
    "/v1/verdicts": {"verdicts": []},
    "/v1/bindings": {"device": "nobody", "dpid": "1"},
    "/v1/drift/acknowledgements": {"switch": "nobody"},
}
REFUSED = (401, 403)


def test_roles(running: Running, tokens: Mapping[str, str]) -> None:
    """The matrix: who may read, change and administrate; nobody anything without a token."""
    for name in (None, *tokens):
        with running.remote(tokens[name] if name else None) as client:
            for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
                assert client.get(path).status_code == 200, path
            for path in READS:
                assert client.get(path).status_code == (200 if name else 401), (name, path)
            for path in WHOLE_READS:
                wanted = {None: 401, "town": 403, "schools": 403}.get(name, 200)
                assert client.get(path).status_code == wanted, (name, path)
            for path in ("/v1/audit", "/v1/tokens"):
                assert client.get(path).status_code == {None: 401, "admin": 200}.get(name, 403), (name, path)
            for path, body in CHANGES.items():
                status = client.post(path, json=body).status_code
                if name is None:
                    assert status == 401, path
                elif name in ("operator", "admin"):
                    assert status not in REFUSED, (name, path, status)
                else:
                    assert status == 403, (name, path)
            made = client.post("/v1/tokens", json={"name": f"by-{name}", "role": "admin"}).status_code
            assert made == {None: 401, "admin": 200}.get(name, 403)
    assert [one.id for one in running.net.history()] == [1], "nothing of that changed the network"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic eDp5", "Bearer sdnctl_" + "A" * 43, "bearer \u00e9"]
)
def test_no_state_change_without_a_token(running: Running, header: str) -> None:
    state = running.net.applied()
    with running.remote() as client:
        headers = {"Authorization": header.encode("latin-1"), "Sdnctl-Author": "root"} if header else {}
        for path, body in {**CHANGES, "/v1/apply": {"plan": {}, "state": {}}, "/v1/plans": {"state": {}}}.items():
            answer = client.post(path, json=body, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"].startswith("Bearer")
            assert answer.json()["diagnostics"][0]["code"] == "no-credentials"
        assert client.delete("/v1/tokens/viewer", headers=headers).status_code == 401
    assert running.net.applied() == state


def test_a_tenant_has_to_exist(running: Running, tokens: Mapping[str, str]) -> None:
    """Over the API, on the command line beside it, and without a controller: the known ones are named."""
    with running.remote(tokens["admin"]) as client:
        answer = client.post("/v1/tokens", json={"name": "typo", "role": "viewer", "tenants": ["twon", "town"]})
    assert answer.status_code == 422
    (found,) = answer.json()["diagnostics"]
    assert (found["code"], found["address"]) == ("unknown-tenant", "tenant twon")
    assert "schools" in found["hint"]
    assert "town" in found["hint"]
    words = ("controller", "token", "add", "typo", "--tenant", "twon")
    for where in ((), ("--controller", "none")):
        assert running.net.json(*where, *words, code=1)["diagnostics"] == [found]
    listed = {one["name"] for one in running.net.json("controller", "token", "list")["tokens"]}
    assert "typo" not in listed


def test_what_is_wrong_with_a_request_comes_with_what_to_do(running: Running, tokens: Mapping[str, str]) -> None:
    json_sent = {"Content-Type": "application/json"}
    with running.remote(tokens["admin"]) as client:
        for path, headers, body, said in (
            ("/v1/drains", {}, b'{"switch": "x"}', "Content-Type: application/json"),
            ("/v1/drains", json_sent, b"{", "no JSON"),
            ("/v1/drains", json_sent, b"{}", "/openapi.json"),
            ("/v1/drain", json_sent, b"{}", "/openapi.json"),
            (
                "/v1/drift/acknowledgements",
                json_sent,
                b'{"switch": "x"}',
                "no switch is",
            ),
        ):
            answer = client.post(path, content=body, headers=headers)
            assert answer.is_client_error
            assert said in answer.json()["diagnostics"][0]["hint"], path
    with running.remote(tokens["town"]) as client:
        assert client.get("/v1/status").json()["switches"] is None, "how many there are is not a tenant's"
    with running.remote() as client:
        assert "_created" not in client.get("/metrics").text


def test_a_revoked_token_is_refused_at_once(running: Running) -> None:
    text = running.token("brief", Role.OPERATOR)
    with running.remote(text) as client:
        assert client.get("/v1/status").status_code == 200
        running.net.ok("controller", "token", "revoke", "brief")
        assert client.get("/v1/status").status_code == 401


@pytest.mark.parametrize(("peer", "known"), [(0, True), (1000, True), (1001, False), (None, False)])
def test_over_the_socket_the_kernel_says_who_asks(peer: int | None, known: bool) -> None:
    """The controller's user and root need no token, others do; the name of a pipeline is only for the trail."""

    async def nobody(_: str) -> None:
        return None

    gate = Gate(nobody, owner=1000)
    headers = {AUTHOR: b"pipeline%2042"}
    if not known:
        with pytest.raises(NoCredentials):
            asyncio.run(gate.caller("/v1/status", headers, peer))
        return
    caller = asyncio.run(gate.caller("/v1/status", headers, peer))
    assert caller == Caller("pipeline 42", Role.ADMIN)
    for bad in (b"", b"a%0Ab", b"a%1b%5b2J"):
        named = asyncio.run(gate.caller("/v1/status", {AUTHOR: bad}, peer))
        assert named is not None
        assert named.name.endswith(f"@{socket.gethostname()}"), "no control characters in the audit trail"


def test_the_socket_is_not_for_others(running: Running) -> None:
    assert running.socket.stat().st_mode & 0o777 == 0o660
    with running.local() as client:
        assert client.get("/v1/controller").json()["peer"].endswith(f"@{socket.gethostname()}")
        wrong = client.get("/v1/status", headers={"Authorization": "Bearer nonsense"})
        assert wrong.status_code == 401, "who shows a token is who the token says, or nobody"


# ── tenants ──────────────────────────────────────────────────────────────────────────────────────


def test_a_tenant_sees_its_own(running: Running, tokens: Mapping[str, str]) -> None:
    state = running.net.applied()
    owners = {one.id: one.tenant for one in state.compiled.demands}
    with running.remote(tokens["schools"]) as client:
        found = client.get("/v1/status").json()
        assert [one["application"] for one in found["applications"]] == ["schools"]
        assert [one["name"] for one in client.get("/v1/status?by=tenant").json()["groups"]] == ["schools"]
        assert (found["switches"], found["links"], found["down"], found["lab"]) == (None, None, [], "")
        answer = client.get("/v1/demands", params={"ids": sorted(owners)}).json()
    assert {one["id"] for one in answer["demands"]} == {key for key, owner in owners.items() if owner == "schools"}
    assert set(answer["unknown"]) == {key for key, owner in owners.items() if owner != "schools"}


def test_a_tenant_sees_drift_of_its_own(running: Running, tokens: Mapping[str, str]) -> None:
    """A rule of a school and one of a circuit are gone; each hears of its own, by no name of the other."""
    net = running.net
    with net.board.changing("pop-east") as embedded:
        kept = dict(embedded.rules.flows)
        embedded.rules.flows = {key: flow for key, flow in kept.items() if flow.table != 0}
    try:
        with running.remote(tokens["viewer"]) as client:
            whole = client.get("/v1/drift").json()
        with running.remote(tokens["schools"]) as client:
            answer = client.get("/v1/drift")
    finally:
        with net.board.changing("pop-east") as embedded:
            embedded.rules.flows = kept
    tenants = {owner["tenant"] for one in whole["findings"] for owner in one["owners"]}
    assert {"schools", "rhone-operator"} <= tenants
    told = answer.json()
    assert told["findings"]
    assert {owner["tenant"] for one in told["findings"] for owner in one["owners"]} == {"schools"}
    assert (told["ok"], told["devices"], told["counts"]) == (False, [], {})
    assert "enterprise" not in answer.text
    assert "rhone-operator" not in answer.text


def test_a_tenant_hears_of_its_own(running: Running, tokens: Mapping[str, str]) -> None:
    events = running.hub.events
    first = events.last

    async def happen() -> None:
        events.publish(Kind.SWITCH_DOWN, "switch core-a", "core-a is gone", device="core-a")
        events.publish(
            Kind.TRUNK_MOVED, "trunk x", "secret enterprise things", applications=("enterprise", "schools")
        )
        events.publish(Kind.CUT_OFF, "demand d", "enterprise/a>b has no way", demand="enterprise/a>b")
        events.publish(Kind.CUT_OFF, "demand d", "schools/a>b has no way", demand="schools/a>b")

    running.do(happen)
    with running.remote(tokens["schools"]) as client:
        told = client.get("/v1/events", params={"since": first, "until": first + 4}).text
    data = [json.loads(line.removeprefix("data: ")) for line in told.splitlines() if line.startswith("data: ")]
    assert [(one["kind"], one["detail"]) for one in data] == [
        ("trunk-moved", {"applications": ["schools"]}),
        ("cut-off", {"applications": ["schools"], "demands": ["schools/a>b"]}),
    ]
    assert "enterprise" not in told


def made(net: Net) -> Prepared:
    """A plan from the folder, made beside the controller."""
    context = Context(net.folder, controller_at="auto")
    try:
        return prepare(context)
    finally:
        context.close()


def send(client: httpx.Client, plan: str, state: str, **more: Any) -> httpx.Response:
    return client.post("/v1/apply", json={"plan": json.loads(plan), "state": json.loads(state), **more})


def test_a_tenant_changes_its_own_and_nothing_else(running: Running, tokens: Mapping[str, str]) -> None:
    net = running.net
    schools = running.token("school board", Role.OPERATOR, "schools")
    number = net.history()[0].id

    net.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 22 Mbit/s")
    net.edit("intents/enterprise.yaml", "bandwidth: 200 Mbit/s", "bandwidth: 210 Mbit/s")
    both = made(net)
    with running.remote(schools) as client:
        answer = send(client, dumps_plan(both.plan), dumps_state(both.desired))
    assert answer.status_code == 403
    said = [one["summary"] for one in answer.json()["diagnostics"]]
    assert said == ["the change concerns enterprise of rhone-operator"]

    net.edit("intents/enterprise.yaml", "bandwidth: 210 Mbit/s", "bandwidth: 200 Mbit/s")
    own = made(net)
    with running.remote(tokens["town"]) as client:
        answer = send(client, dumps_plan(own.plan), dumps_state(own.desired))
        assert answer.status_code == 403
        assert "schools of schools" in answer.json()["diagnostics"][0]["summary"]
    assert net.history()[0].id == number, "nothing was applied so far"
    with running.remote(schools) as client:
        answer = send(client, dumps_plan(own.plan), dumps_state(own.desired))
    assert answer.status_code == 200, answer.text
    assert answer.json()["snapshot"] == number + 1
    assert net.history()[0].author == "token school board"
    net.assert_exact()
    with running.remote(tokens["admin"]) as client:
        trail = client.get("/v1/audit", params={"limit": 6}).json()["audit"]
    lines = [(one["author"], one["action"], one["result"], one["plan"]) for one in trail]
    assert ("token school board", "apply", "done", own.plan.fingerprint) in lines
    assert ("token school board", "apply", "forbidden", both.plan.fingerprint) in lines
    assert ("token town", "apply", "forbidden", own.plan.fingerprint) in lines


@pytest.mark.parametrize("what", ["rules", "down", "classes", "moved end"])
def test_a_state_that_no_compiler_made_is_not_a_tenants(running: Running, what: str) -> None:
    """Demands that are one's own are not enough: the rest of the state must be what follows from them."""
    state = running.net.applied()
    plan = made(running.net).plan
    check_own(frozenset({"schools"}), state, state, plan)
    with pytest.raises(Forbidden) as refused:
        check_own(frozenset({"schools"}), state, forged(state, what), plan)
    wanted = {
        "rules": "the compiler",
        "down": "links taken for failed",
        "classes": "classes",
        "moved end": "school-1",
    }
    assert wanted[what] in str(refused.value)


def forged(state: State, what: str) -> State:
    compiled = state.compiled
    if what == "rules":
        rules = {**compiled.rules, "core-b": RuleSet()}
        return State(replace(compiled, rules=rules))
    if what == "down":
        return replace(state, down=frozenset({next(iter(compiled.topology.links))}))
    if what == "classes":
        first = next(iter(compiled.classes.values()))
        return State(
            replace(compiled, classes={**compiled.classes, first.name: replace(first, protected=False, rank=9)})
        )
    other = next(one for one in compiled.demands if one.tenant != "schools").ingress.attachment
    mine = next(one for one in compiled.demands if one.ingress.id == "school-1")
    demand = replace(mine, ingress=replace(mine.ingress, attachment=other))
    return State(replace(compiled, demands=tuple(demand if one is mine else one for one in compiled.demands)))


# ── plans that are not what they should be ───────────────────────────────────────────────────────


def test_an_altered_plan_is_refused(running: Running, tokens: Mapping[str, str]) -> None:
    net = running.net
    net.edit("intents/schools.yaml", "down: 50 Mbit/s", "down: 51 Mbit/s")
    good = made(net)
    before, number = net.ours(), net.history()[0].id
    state = dumps_state(good.desired)
    altered = json.loads(dumps_plan(good.plan))
    altered["plan"]["unknown"] = ["core-a"]
    foreign = replace(good.plan, stages=(), fingerprint="")
    foreign = replace(foreign, fingerprint=plan_fingerprint(foreign))
    with running.remote(tokens["operator"]) as client:
        for plan, status, code in (
            (json.dumps(altered), 422, "altered-plan"),
            (dumps_plan(foreign), 409, "stale-plan"),
            ("{}", 422, "not-a-plan"),
        ):
            answer = send(client, plan, state)
            assert (answer.status_code, answer.json()["diagnostics"][0]["code"]) == (status, code), answer.text
        other = dumps_state(net.applied())
        answer = send(client, dumps_plan(good.plan), other)
        assert (answer.status_code, answer.json()["error"]) == (409, "StalePlan")
        assert (net.ours(), net.history()[0].id) == (before, number), "and nothing was written"
        assert send(client, dumps_plan(good.plan), state).status_code == 200
        again = send(client, dumps_plan(good.plan), state)
        assert again.status_code == 409, "a plan is followed once"
    net.assert_exact()


def test_an_outage_needs_a_word(running: Running, tokens: Mapping[str, str]) -> None:
    net = running.net
    net.edit("intents/flood-sensors.yaml", "tags: [river]", "tags: [bridge]")
    plan = made(net)
    with running.remote(tokens["operator"]) as client:
        refused = send(client, dumps_plan(plan.plan), dumps_state(plan.desired))
        assert (refused.status_code, refused.json()["error"]) == (409, "OutageRefused")
        done = send(client, dumps_plan(plan.plan), dumps_state(plan.desired), allow_outage=["scada"])
        assert done.status_code == 200, done.text
        back = client.post("/v1/rollback", json={})
        assert (back.status_code, back.json()["to"]) == (200, plan_before(net))
    net.edit("intents/flood-sensors.yaml", "tags: [bridge]", "tags: [river]")
    net.assert_exact()


def plan_before(net: Net) -> int:
    """The snapshot that the last rollback went to: the one before the one before."""
    return net.history()[2].id

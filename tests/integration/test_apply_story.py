"""Apply on embedded switches through the command line: what is left on them afterwards, rule by rule."""

from __future__ import annotations

from pathlib import Path

import pytest
from sdnctl_in_process import Net, new_net

from sdnctl.compiler.tables import Kind, read_cookie
from sdnctl.dataplane.values import COOKIE_OWNER, Bucket, Flow, Group, GroupType, Match, Meter, Output, RuleSet
from sdnctl.plan.model import Change, SettingsChange
from sdnctl.usecases.planning import prepare

INTENTS = ("enterprise", "flood-sensors", "schools", "video-protection")
FOREIGN = (
    Flow(0, 7, Match.of(in_port=10, eth_type=0x88CC), cookie=0xBEEF, actions=(Output(1),)),
    Flow(9, 1, Match.of(), cookie=0xBEEF),
    Group(77, GroupType.INDIRECT, (Bucket((Output(1),)),)),
    Meter(5, 1000, 100),
)


@pytest.fixture
def net(tmp_path: Path) -> Net:
    return new_net(tmp_path / "a network", example="small-links")


def put(net: Net, switch: str, *rules: Flow | Group | Meter) -> None:
    """Add rules behind sdnctl's back."""
    with net.board.changing(switch) as embedded:
        embedded.rules.add(*rules)


def take(net: Net, switch: str, count: int) -> None:
    """Delete flows of ours behind sdnctl's back."""
    with net.board.changing(switch) as embedded:
        for key in sorted(embedded.rules.flows, key=str)[:count]:
            if embedded.rules.flows[key].cookie != 0xBEEF:
                del embedded.rules.flows[key]


def test_from_nothing_to_everything_and_back(tmp_path: Path) -> None:
    """Foreign rules stay as they are all the way; a second apply does nothing; without intents nothing is left."""
    net = new_net(tmp_path / "net", slim=False)
    for switch in ("core-a", "com-boisset"):
        put(net, switch, *FOREIGN)
    foreign = net.foreign()
    assert net("plan", "--exit-code").code == 2
    net.ok("apply", "--yes")
    net.assert_exact()
    net.probe()
    assert net.foreign() == foreign
    assert sum(map(len, net.ours().values())) > 500

    again = net.json("apply", "--yes")
    assert (again["snapshot"], again["summary"]["devices"]) == (None, [])
    assert len(net.json("history")["snapshots"]) == 1

    for name in INTENTS:
        net.path(f"intents/{name}.yaml").unlink()
    net.ok("apply", "--yes", "--allow-outage", "scada")
    net.assert_exact()
    assert sum(map(len, net.ours().values())) == 0
    assert net.foreign() == foreign
    assert net("verify", "--live").code == 0


def test_hand_edits_are_drift_and_the_next_apply_repairs_them(net: Net) -> None:
    net.ok("apply", "--yes")
    put(net, "core-b", *FOREIGN)
    assert net("drift", "--exit-code").code == 0  # not ours, not our business
    ours = net.ours()
    stray = Flow(3, 100, Match.of(eth_type=0x8847, mpls_label=99_000), cookie=COOKIE_OWNER | 2 << 32 | 99_000)
    put(net, "com-estel", stray)
    take(net, "pop-south", 5)
    found = net.json("drift", "--exit-code", code=2)
    assert (found["ok"], found["counts"]["missing"], found["counts"]["extra"]) == (False, 5, 1)
    planned = net.json("plan", "--exit-code", code=2)["summary"]["devices"]
    assert [(one["device"], one["add"], one["delete"]) for one in planned] == [
        ("com-estel", 0, 1),
        ("pop-south", 5, 0),
    ]
    net.ok("apply", "--yes")
    net.assert_exact()
    assert net.ours() == ours


def test_a_port_that_changes_changes_only_its_own_rules(net: Net) -> None:
    """cam-02 is plugged into another port: every change is of its demands, its service or its new port."""
    net.ok("apply", "--yes")
    net.edit("inventory/endpoints.csv", "cam-02,aigues,com-aigues,10,", "cam-02,aigues,com-aigues,13,")
    with net.open() as context:
        prepared = prepare(context)
    desired = prepared.desired
    ids = desired.baseline.ids
    mine = {
        ids["demand"][one.id] for one in desired.compiled.demands if "cam-02" in (one.ingress.id, one.egress.id)
    }
    services = {number for key, number in ids["service"].items() if key.endswith(">cam-02")}
    assert mine
    assert services
    rows = [
        change.rule
        for stage in prepared.plan.stages
        for changes in stage.changes.values()
        for change in changes
        if isinstance(change, Change)
    ]
    assert rows
    for rule in rows:
        assert isinstance(rule, Flow), rule  # no group, no meter, no trunk
        mark = read_cookie(rule.cookie)
        assert mark is not None
        assert (mark[0] is Kind.DEMAND and mark[1] in mine) or (mark[0] is Kind.SERVICE and mark[1] in services)
    assert not any(
        isinstance(change, SettingsChange)
        for stage in prepared.plan.stages
        for changes in stage.changes.values()
        for change in changes
    )
    net.ok("apply", "--yes")
    net.assert_exact()


def test_a_switch_that_leaves_the_folder_is_cleared(net: Net) -> None:
    net.ok("apply", "--yes")
    assert len(net.ours()["com-estel"])
    net.edit("inventory/equipment.yaml", "  - {id: com-estel, dpid: 11, site: estel, role: commune}\n", "")
    text = net.path("topology/links.yaml").read_text()
    head, *links = text.split("  - id: ")
    net.path("topology/links.yaml").write_text(
        "  - id: ".join([head, *(link for link in links if "com-estel" not in link)])
    )
    rows = net.path("inventory/endpoints.csv").read_text().splitlines(keepends=True)
    net.path("inventory/endpoints.csv").write_text("".join(row for row in rows if ",com-estel," not in row))
    net.ok("apply", "--yes")
    assert net.ours()["com-estel"] == RuleSet()
    net.assert_exact()
    baseline = net.applied().baseline
    assert not any("com-estel" in switches for table in baseline.held.values() for switches in table.values())
    assert not any("com-estel" in switches for switches in baseline.quarantine.values())


def test_rollback_is_a_plan_like_any_other(net: Net) -> None:
    """There and back, by number and without; comments alone make no snapshot worth going back to."""
    net.ok("apply", "--yes")
    first, rules = net.applied(), net.ours()
    net.edit("intents/enterprise.yaml", "avoid: [south]", "avoid: []")
    net.edit("intents/schools.yaml", "protection: none", "protection: none\n  latency: 50 ms")
    net.path("intents/video-protection.yaml").unlink()
    net.ok("apply", "--yes")
    second = net.ours()
    assert second != rules
    text = net.path("intents/schools.yaml").read_text()
    net.path("intents/schools.yaml").write_text(f"# a comment moves every line\n{text}")
    net.ok("apply", "--yes")
    assert net("rollback").code == 64  # nobody to ask
    assert net.ours() == second
    done = net.json("rollback", "--yes")
    assert (done["to"], done["undone"]) == (1, None)
    assert net.json("drift")["ok"]
    state = net.applied()
    assert [(one.key, one.path) for one in state.compiled.trunks] == [
        (one.key, one.path) for one in first.compiled.trunks
    ]
    assert net.ours() == rules  # the numbers were still free
    net.probe()
    net.ok("rollback", "--yes", "2")
    assert net.ours() == second
    net.assert_exact()
    reasons = [(one["reason"], one["state"]) for one in net.json("history")["snapshots"]]
    assert reasons == [("rollback", "applied"), ("rollback", "applied")] + [("apply", "applied")] * 3


def test_going_back_gives_no_number_a_second_meaning(net: Net) -> None:
    """Numbers that a later state took over are not taken away from it while its packets are on the way."""
    schools = net.path("intents/schools.yaml").read_text()
    video = net.path("intents/video-protection.yaml").read_text()
    net.path("intents/video-protection.yaml").unlink()
    net.ok("apply", "--yes")  # 1: schools and others
    net.path("intents/schools.yaml").unlink()
    net.ok("apply", "--yes")  # 2: their numbers are free
    net.path("intents/video-protection.yaml").write_text(video)
    net.ok("apply", "--yes")  # 3: video takes them
    before = net.applied().baseline
    net.ok("rollback", "--yes", "1")
    after = net.applied().baseline
    assert {one.application for one in net.applied().compiled.demands} == {
        "schools",
        "enterprise",
        "flood-sensors",
    }
    for namespace in ("demand", "group", "service", "bypass"):
        meant = {number: key for key, number in before.ids[namespace].items()}
        for key, number in after.ids[namespace].items():
            assert meant.get(number, key) == key, (namespace, number)
    meant = {label: key for key, label in before.labels.items()}
    assert all(meant.get(label, key) == key for key, label in after.labels.items())
    net.probe()
    assert net.json("drift")["ok"]
    net.path("intents/schools.yaml").write_text(schools)
    net.path("intents/video-protection.yaml").unlink()
    net.ok("apply", "--yes")  # the folder as it was at 1
    net.assert_exact()

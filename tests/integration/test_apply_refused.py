"""What apply refuses without changing anything: stale, altered and forged plans, outages, a second writer."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest
from sdnctl_in_process import Net, new_net

from sdnctl.compiler.codec import fingerprint
from sdnctl.dataplane.values import Flow, RuleSet
from sdnctl.store.lease import Lease, short

ADMIT = "--allow-outage"


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Net:
    """A network that was applied once; tests leave it as they found it."""
    net = new_net(tmp_path_factory.mktemp("refused") / "net", example="small-links")
    net.ok("apply", "--yes")
    return net


@pytest.fixture
def net(applied: Net) -> Iterator[Net]:
    """The applied network, with its folder and its switches as they were after the test."""
    kept = {
        path: path.read_bytes() for path in applied.folder.rglob("*") if path.is_file() and ".db" not in path.name
    }
    held = applied.held()
    yield applied
    for path, content in kept.items():
        path.write_bytes(content)
    assert applied.held() == held
    assert applied.pending() is None


@contextmanager
def untouched(net: Net) -> Iterator[None]:
    """No switch and no snapshot changes within the block."""
    held, history = net.held(), net.history()
    yield
    assert net.held() == held
    assert net.history() == history


@contextmanager
def another_writer(net: Net) -> Iterator[Lease]:
    """Somebody else holds the lease: another thread is another holder."""
    taken: Queue[Lease] = Queue()
    done = threading.Event()

    def hold() -> None:
        with net.open() as context, context.store.hold() as lease:
            taken.put(lease)
            done.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    try:
        yield taken.get(timeout=10)
    finally:
        done.set()
        thread.join()


def add_circuit(net: Net) -> None:
    """One more customer, which changes rules on few switches."""
    with net.path("inventory/endpoints.csv").open("a") as file:
        file.write(
            "ent-d1,north,pop-north,30,,,,enterprise,customer-d\nent-d2,east,pop-east,30,,,,enterprise,customer-d\n"
        )
    net.edit(
        "intents/enterprise.yaml", "owner: wholesale-desk", "  - {id: customer-d, a: ent-d1, b: ent-d2}\nowner: x"
    )


def test_a_plan_for_another_folder_is_stale(net: Net, tmp_path: Path) -> None:
    add_circuit(net)
    plan = tmp_path / "plan.json"
    net.ok("plan", "-o", plan)
    net.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 21 Mbit/s")
    with untouched(net):
        answer = net.json("apply", plan, code=1)
        assert (answer["ok"], [item["code"] for item in answer["diagnostics"]]) == (False, ["stale-plan"])
        refused = net("apply", plan)
        assert refused.code == 1
        assert "make a new plan" in refused.plain


@pytest.mark.parametrize("touched", [True, False], ids=["on a switch of the plan", "elsewhere"])
def test_a_plan_for_switches_that_changed_is_stale(net: Net, tmp_path: Path, touched: bool) -> None:
    """Also where the plan would not have touched: following it would not end in what was asked for."""
    add_circuit(net)
    plan = tmp_path / "plan.json"
    document = net.json("plan", "-o", plan)
    devices = {one["device"] for one in document["summary"]["devices"]}
    assert "com-estel" not in devices
    victim = sorted(devices)[0] if touched else "com-estel"
    before = net.board.read(victim).rules
    key = next(key for key, flow in before.flows.items() if flow.table == 3)
    with net.board.changing(victim) as embedded:
        flow = embedded.rules.flows.pop(key)
    with untouched(net):
        answer = net.json("apply", plan, code=1)
        assert {item["code"] for item in answer["diagnostics"]} == {"stale-plan"}
        assert any(victim in item["address"] for item in answer["diagnostics"])
    with net.open() as context:
        last = context.store.audit_trail(1)[0]
    assert (last.action, last.result, last.plan) == ("apply", "stale-plan", document["plan"]["fingerprint"])
    with net.board.changing(victim) as embedded:
        embedded.rules.add(flow)


def test_altered_and_forged_plans_are_refused(net: Net, tmp_path: Path) -> None:
    """A changed byte, a field too many, another format; and a change whose author also made a new fingerprint."""
    add_circuit(net)
    plan = tmp_path / "plan.json"
    net.ok("plan", "-o", plan)
    text = plan.read_text()
    document = json.loads(text)
    stages = document["plan"]["stages"]
    assert stages

    def forged(**fields: object) -> str:
        body = {**document["plan"], **fields}
        return json.dumps({**document, "plan": body, "fingerprint": fingerprint(body)})

    fewer = [{**stage, "changes": dict(list(stage["changes"].items())[1:])} for stage in stages]
    cases = {
        text.replace('"pop-north"', '"pop-south"', 1): "altered-plan",
        text.replace('"created":"2', '"created":"1', 1): "altered-plan",
        json.dumps({**document, "approved": True}): "altered-plan",
        json.dumps({**document, "format": 99}): "plan-format",
        text[: len(text) // 2]: "not-a-plan",
        "[]": "not-a-plan",
        forged(stages=fewer): "stale-plan",
        forged(stages=stages[:-1]): "stale-plan",
        forged(stages=[]): "stale-plan",
    }
    assert len(cases) == 9
    for content, code in cases.items():
        plan.write_text(content)
        with untouched(net):
            answer = net.json("apply", plan, code=1)
            assert {item["code"] for item in answer["diagnostics"]} == {code}, content[:200]
    for missing in (tmp_path / "nowhere.json", tmp_path):
        assert net.json("apply", missing, code=1)["diagnostics"][0]["code"] == "plan-unreadable"


def test_an_outage_of_a_protected_class_needs_to_be_allowed(net: Net, tmp_path: Path) -> None:
    """`plan` says so with 3 and still writes its file; apply refuses before asking; forged impacts do not help."""
    net.path("intents/flood-sensors.yaml").unlink()
    plan = tmp_path / "plan.json"
    with untouched(net):
        assert net("plan", "-o", plan).code == 3
        refused = net("apply", "--yes")
        assert refused.code == 3
        assert "--allow-outage scada" in refused.plain
        assert net("apply", answer="y\n").code == 3
        assert net("apply", "--yes", ADMIT, "video").code == 3
        assert net.json("apply", plan, code=3)["diagnostics"][0]["code"] == "outage"
        document = json.loads(plan.read_text())
        body = {**document["plan"], "impacts": []}
        plan.write_text(json.dumps({**document, "plan": body, "fingerprint": fingerprint(body)}))
        assert net("apply", plan).code == 3


def test_nobody_applies_without_being_asked(net: Net) -> None:
    """No terminal: 64; "no" at the terminal: 130."""
    add_circuit(net)
    with untouched(net):
        refused = net("apply")
        assert refused.code == 64
        assert "give --yes" in refused.plain
        assert net.json("apply", code=64)["diagnostics"][0]["code"] == "not-confirmed"
        assert net("apply", answer="n\n").code == 130
        assert net("apply", answer="").code == 130  # the terminal was closed


def test_a_second_writer_is_refused_and_readers_are_not(net: Net) -> None:
    add_circuit(net)
    with another_writer(net) as lease:
        with untouched(net):
            answer = net.json("apply", "--yes", code=1)
            assert answer["diagnostics"][0]["code"] == "lease-held"
            assert answer["diagnostics"][0]["summary"].endswith(short(lease.holder))
            assert net("rollback", "--yes", "1").code == 1
        assert net("plan").code == 0
        assert net("drift").code == 0
        assert net("status").code == 0


def test_a_foreign_rule_in_the_way_is_named(net: Net) -> None:
    """Nothing is planned over it, nothing applied, and it stays."""
    wanted = net.applied().rules["core-b"]
    key = next(key for key, flow in wanted.flows.items() if flow.table == 3)
    ours = wanted.flows[key]
    with net.board.changing("core-b") as embedded:
        embedded.rules.flows[key] = Flow(*key, cookie=0xBEEF)
    with untouched(net):
        for verb in (("plan",), ("apply", "--yes")):
            answer = net.json(*verb, code=1)
            assert [item["code"] for item in answer["diagnostics"]] == ["foreign-rule-in-the-way"]
            assert answer["diagnostics"][0]["address"] == "switch core-b"
            assert answer["diagnostics"][0]["hint"]
    with net.board.changing("core-b") as embedded:
        embedded.rules.flows[key] = ours


def test_another_apply_in_between_makes_the_plan_stale(tmp_path: Path) -> None:
    """Two checkouts, one store, the same switches; each plans a change that the other does not know of."""
    net = new_net(tmp_path / "one", example="small-links")
    addresses = f"memory:{net.board.directory}"
    lines = net.path("inventory/equipment.yaml").read_text().splitlines()
    net.path("inventory/equipment.yaml").write_text(
        "\n".join(
            line.replace("}", f", drivers: {{memory: '{addresses}'}}}}") if "{id:" in line else line
            for line in lines
        )
    )
    other = Net(tmp_path / "two", ("--store", f"sqlite:///{tmp_path}/shared.db"))
    one = Net(net.folder, other.options)
    one.ok("apply", "--yes")
    shutil.copytree(one.folder, other.folder, ignore=shutil.ignore_patterns(".sdnctl"))
    assert other("plan", "--exit-code").code == 0
    assert not other.path(".sdnctl").exists()

    plan = tmp_path / "plan.json"
    add_circuit(one)
    add_circuit(other)
    one.ok("plan", "-o", plan)
    other.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 25 Mbit/s")
    assert other("apply", plan).code == 1  # this checkout asks for something else
    other.edit("intents/schools.yaml", "up: 25 Mbit/s", "up: 20 Mbit/s")
    done = other.json("apply", plan)  # planned in one checkout, applied from the other
    assert done["plan"] == json.loads(plan.read_text())["fingerprint"]
    assert (done["snapshot"], done["resumed"]) == (2, None)
    assert one("plan", "--exit-code").code == 0
    again = one.json("apply", plan, code=1)
    assert again["diagnostics"][0]["code"] == "stale-plan"

    one.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 30 Mbit/s")
    one.ok("plan", "-o", plan)
    other.edit("intents/schools.yaml", "down: 50 Mbit/s", "down: 55 Mbit/s")
    other.ok("apply", "--yes")
    held = net.held()
    assert one.json("apply", plan, code=1)["diagnostics"][0]["code"] == "stale-plan"
    assert net.held() == held
    assert net.held()["core-a"] != RuleSet()


def test_the_audit_trail_says_how_it_ended(tmp_path: Path) -> None:
    """Also without a controller: begun, then done or why not; each with the plan."""
    net = new_net(tmp_path / "net", example="small-links")
    net.ok("plan", "-o", net.path("plan.json"))
    net.ok("apply", net.path("plan.json"))
    again = net("apply", net.path("plan.json"))
    assert again.code == 1
    assert "this plan was already applied as snapshot 1" in again.plain
    net.edit("intents/schools.yaml", "up: 20 Mbit/s", "up: 30 Mbit/s")
    assert net("apply", net.path("plan.json")).code == 1
    net.ok("controller", "drain", "pop-east")
    with net.open() as context:
        trail = [(one.author, one.action, one.result, one.plan) for one in reversed(context.store.audit_trail())]
        author = context.author
    assert {who for who, *_ in trail} == {author}
    plan = trail[0][3]
    assert plan is not None
    assert [one[1:3] for one in trail if one[1] == "apply"] == [
        ("apply", "begun"),
        ("apply", "done"),
    ]
    assert [one[3] for one in trail if one[1] == "apply"] == [plan] * 2
    assert [one[1:3] for one in trail][-2:] == [("reconcile", "begun"), ("drain", "done")]

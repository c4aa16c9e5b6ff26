"""Two controllers in two folders on one PostgreSQL store: who writes, a restart of the database, take-over."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign_network import ControllerProcess, controlled
from postgres_server import running_postgres
from sdnctl_in_process import Net, sdnctl

pytestmark = pytest.mark.servers("psql", "pg_lsclusters")


def said(controller: ControllerProcess, words: str) -> bool:
    return any(words in line["message"] for line in controller.lines())


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Net]:
    folder = tmp_path / "one"
    assert sdnctl("init", folder, "--example", "small-links").code == 0
    net = Net(folder)
    net.ok("lab", "up", "--kind", "memory")
    try:
        yield net
    finally:
        net.ok("lab", "down")


def test_a_standby_with_a_folder_of_its_own_takes_over(
    net: Net, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_postgres() as server:
        url = server.database()
        monkeypatch.setenv("SDNCTL_STORE", url)
        net.ok("apply", "--yes")
        assert not net.path(".sdnctl/store.db").exists()
        shutil.copytree(net.folder, tmp_path / "two", ignore=shutil.ignore_patterns(".sdnctl"))
        other = Net(tmp_path / "two")
        other.path(".sdnctl").mkdir()
        for name in ("lab", "lab.json"):  # the same switches
            other.path(f".sdnctl/{name}").symlink_to(net.path(f".sdnctl/{name}"))
        before = net.held()
        with controlled(net, tmp_path / "log-one") as one, ControllerProcess(other, tmp_path / "log-two") as two:
            two.launch()
            two.wait_for(lambda: said(two, "is the standby of"), "standby")

            # The database goes away and comes back: nobody takes over, nothing is written, and changes go on.
            server.stop()
            time.sleep(1)
            server.start()
            generation = one.get("/v1/controller")["generation"]
            assert one.get("/v1/controller")["role"] == "master"
            net.edit("intents/flood-sensors.yaml", "protection: node", "protection: local")
            net.ok("apply", "--yes")
            changed = net.held()
            assert changed != before
            assert net.json("history")["snapshots"][0]["reason"] == "apply"
            assert not said(two, "is the master")

            # The master dies: the other one carries on with everything that was stored.
            one.kill()
            two.wait_for(two.ready, "master")
            assert two.get("/v1/controller")["generation"] > generation
            assert other.held() == changed, "a take-over touches no rule"
            net.edit("intents/flood-sensors.yaml", "protection: local", "protection: node")
            result = net("apply", "--yes")
            assert result.code == 1, "the first folder's controller is dead, and another one holds the lease"
            assert "lease-held" in result.err
            other.ok("drift", "--exit-code")
        assert [line["level"] for line in two.lines() if line["level"] in ("error", "critical")] == []

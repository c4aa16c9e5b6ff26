"""Tiers: Open vSwitch and Debian servers may be missing on a laptop, never in CI; soak only when asked for."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

pytest.register_assert_rewrite("any_network_frames")

settings.register_profile(
    "sdnctl", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("sdnctl")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run the full counts marked `soak` too")
    parser.addoption("--tier", default="", help="name of this run, printed with what it ran and skipped")
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected files of tests/golden")


def ovs_missing() -> str:
    """Why real Open vSwitch cannot be used here, or an empty string."""
    return _missing("ovs-vswitchd", "ovsdb-server", "ovs-vsctl", "ip", "nft", root=True)


def _missing(*programs: str, root: bool = False) -> str:
    if root and os.geteuid() != 0:
        return "not root"
    for tool in programs:
        if shutil.which(tool, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/lib/frr") is None:
            return f"{tool} is not installed"
    return ""


def _without_servers(items: list[pytest.Item]) -> None:
    """Tests marked ``servers("snmpd", …)`` whose programs are not here: skipped by name, an error in CI."""
    needing: dict[str, list[pytest.Item]] = {}
    for item in items:
        for mark in item.iter_markers("servers"):
            if reason := _missing(*mark.args, **mark.kwargs):
                needing.setdefault(reason, []).append(item)
    if needing and os.environ.get("CI"):
        said = "; ".join(f"{len(found)} tests: {reason}" for reason, found in needing.items())
        raise pytest.UsageError(f"the tests with real servers cannot run ({said}); `make servers` installs them")
    for reason, found in needing.items():
        for item in found:
            item.add_marker(pytest.mark.skip(reason=f"real servers: {reason}, `make servers` installs it"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--soak"):
        soak = [item for item in items if item.get_closest_marker("soak")]
        if soak:
            config.hook.pytest_deselected(items=soak)
            items[:] = [item for item in items if item not in soak]
    _without_servers(items)
    reason = ovs_missing()
    if not reason:
        return
    needing = [item for item in items if item.get_closest_marker("ovs")]
    if needing and os.environ.get("CI"):
        raise pytest.UsageError(f"the Open vSwitch tier ({len(needing)} tests) cannot run: {reason}")
    for item in needing:
        item.add_marker(pytest.mark.skip(reason=f"Open vSwitch tier: {reason}"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    tier = config.getoption("--tier")
    if tier:
        ran = sum(len(terminalreporter.stats.get(kind, ())) for kind in ("passed", "failed"))
        skipped = len(terminalreporter.stats.get("skipped", ()))
        terminalreporter.write_line(f"tier {tier}: {ran} ran, {skipped} skipped")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """In CI a tier that ran nothing is a failure, however green it looks."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    required = os.environ.get("CI") and session.config.getoption("--tier") and exitstatus == 0
    if required and reporter is not None and not reporter.stats.get("passed"):
        session.exitstatus = 1

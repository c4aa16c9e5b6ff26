"""Finding drivers by name: the built-in ones, missing ones, broken ones, ambiguous ones."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sdnctl.errors import InputError
from sdnctl.southbound.memory import MemoryDriver
from sdnctl.southbound.registry import GROUP, PLUGINS, Installed, Registry, install_command


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory of distributions that are installed beside sdnctl."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def install(
    directory: Path, distribution: str, points: dict[str, str], code: str = "", version: str = "1.2"
) -> None:
    module = distribution.replace("-", "_")
    (directory / f"{module}.py").write_text(code)
    info = directory / f"{module}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    lines = [f"[{GROUP}]"] + [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(lines))
    sys.modules.pop(module, None)


def one(registry: Registry, name: str) -> Installed:
    (found,) = (item for item in registry.installed() if item.name == name)
    return found


def fault(registry: Registry, name: str) -> str:
    with pytest.raises(InputError) as caught:
        registry.load(name)
    assert caught.value.diagnostics[0].hint
    return str(caught.value)


def test_the_built_in_driver_comes_through_the_same_door() -> None:
    registry = Registry()
    assert registry.has("memory")
    assert registry.load("memory") is MemoryDriver
    assert one(registry, "memory").status == "ok"
    assert one(registry, "memory").distribution == "sdnctl"
    assert one(registry, "memory").payload == "rules"
    assert one(registry, "memory").version


def test_a_plugin_is_found_and_loaded_only_when_asked_for(plugins: Path) -> None:
    code = "from sdnctl.southbound.memory import MemoryDriver\nclass Mine(MemoryDriver):\n    name = 'mine'\n"
    install(plugins, "sdnctl-mine", {"mine": "sdnctl_mine:Mine"}, code)
    registry = Registry()
    assert registry.has("mine")
    assert "mine" in registry.names
    assert "sdnctl_mine" not in sys.modules
    assert registry.load("mine").name == "mine"
    assert one(registry, "mine") == Installed("mine", "sdnctl-mine", "1.2", "rules", "ok")
    assert not Registry(points=()).has("mine"), "nothing is global"


def test_a_missing_plugin_says_how_to_install_it() -> None:
    registry = Registry(points=())
    assert "pip install /" in fault(registry, "ovsdb"), "from the checkout, where there is one"
    assert "plugins/sdnctl-ovsdb" in fault(registry, "ovsdb")
    assert install_command("sdnctl-elsewhere") == "pip install sdnctl-elsewhere"
    assert GROUP in fault(registry, "carrier-pigeon")
    assert "did you mean memory?" in fault(Registry(), "memry")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nothing_of_this_name", "ModuleNotFoundError"),
        ("raise SystemError('boom')", "boom"),
        ("Mine = 3", "is not a class"),
        ("class Mine: pass", "has no open, capabilities"),
        ("from sdnctl.southbound.memory import MemoryDriver as M\nclass Mine(M):\n    payload = 'x'", "payload"),
        ("from sdnctl.southbound.memory import MemoryDriver as Mine", "name is 'memory'"),
        ("", "AttributeError"),
    ],
)
def test_a_broken_plugin_is_told_and_breaks_nothing_else(plugins: Path, code: str, message: str) -> None:
    install(plugins, "sdnctl-mine", {"mine": "sdnctl_mine:Mine"}, code)
    registry = Registry()
    text = fault(registry, "mine")
    assert message in text
    assert "sdnctl-mine" in text
    assert "pip install --force-reinstall sdnctl-mine" in text
    assert message in one(registry, "mine").status
    assert one(registry, "memory").status == "ok"


def test_two_plugins_of_one_name_are_refused(plugins: Path) -> None:
    for distribution in ("sdnctl-one", "sdnctl-two"):
        install(plugins, distribution, {"mine": f"{distribution.replace('-', '_')}:Mine"})
    text = fault(Registry(), "mine")
    assert "sdnctl-one" in text
    assert "sdnctl-two" in text


def test_points_can_be_given() -> None:
    point = EntryPoint("memory", "sdnctl.southbound.memory:MemoryDriver", GROUP)
    registry = Registry([point, point])
    assert registry.load("memory") is MemoryDriver
    assert registry.installed()[0].distribution == "sdnctl"


def test_what_is_published_and_not_here_is_listed_with_its_command() -> None:
    missing = Registry(points=()).missing()
    assert [one.name for one in missing] == ["napalm", "netconf", "netmiko", "ovsdb", "ryu", "snmp"]
    assert all(one.install.startswith("pip install ") and one.distribution in one.install for one in missing)
    here = Registry([EntryPoint("ovsdb", "sdnctl_ovsdb:OvsdbDriver", GROUP)]).missing()
    assert "ovsdb" not in {one.name for one in here}


def test_every_plugin_in_the_checkout_is_known_by_its_drivers() -> None:
    """And every one that is known is there: the table and the folder do not drift apart."""
    folder = Path(__file__).parents[2] / "plugins"
    found: dict[str, str] = {}
    for project in folder.glob("*/pyproject.toml"):
        document = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        for name in document.get("entry-points", {}).get(GROUP, {}):
            found[name] = document["name"]
    assert found == dict(PLUGINS)

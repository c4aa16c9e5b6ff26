"""The core alone: no library of any device is among what it installs, or among what its modules import."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def _installed_with(name: str, extras: frozenset[str] = frozenset()) -> set[str]:
    """Everything that pip installs along with a distribution, by the metadata of what is installed here."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        one, wanted = waiting.pop()
        for text in distribution(one).requires or ():
            requirement = Requirement(text)
            environments = [{"extra": extra} for extra in wanted or {""}]
            if requirement.marker and not any(requirement.marker.evaluate(given) for given in environments):
                continue
            key = canonicalize_name(requirement.name)
            if key not in found:
                found.add(key)
                waiting.append((key, frozenset(requirement.extras)))
    return found


def _asked_for_by_plugins() -> set[str]:
    """What plugins require beside the core."""
    found: set[str] = set()
    for project in ROOT.glob("plugins/*/pyproject.toml"):
        document = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        found |= {canonicalize_name(Requirement(text).name) for text in document["dependencies"]}
    return found - {"sdnctl"}


def test_the_core_installs_no_library_of_a_device() -> None:
    core, plugins = _installed_with("sdnctl"), _asked_for_by_plugins()
    assert {"netmiko", "napalm", "ncclient", "pysnmp", "os-ken"} <= plugins, "or this compares nothing"
    assert "pydantic-core" in core, "what dependencies depend on counts"
    shared = {"jinja2", "pydantic", "pyyaml", "typing-extensions"}  # of no device in particular
    assert core & plugins <= shared, sorted(core & plugins)
    assert not core & {
        "ryu",
        "os-ken",
        "netmiko",
        "napalm",
        "ncclient",
        "pysnmp",
        "gufo-snmp",
        "paramiko",
        "eventlet",
    }


def test_no_module_of_the_core_imports_one() -> None:
    """Whatever the place of the import: also those inside functions."""
    asked = _asked_for_by_plugins()
    owners = packages_distributions()
    modules = {module for module, names in owners.items() if asked & {canonicalize_name(name) for name in names}}
    modules |= {path.name for path in ROOT.glob("plugins/*/src/*")}
    assert {"netmiko", "ncclient", "os_ken", "sdnctl_netconf"} <= modules
    modules -= {"jinja2", "pydantic", "yaml", "typing_extensions"}
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {name}"
        for path in sorted((ROOT / "sdnctl").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in _imported(node)
        if name.partition(".")[0] in modules and name.partition(".")[0] not in sys.stdlib_module_names
    ]
    assert not wrong, "\n".join(wrong)


def _imported(node: ast.Import | ast.ImportFrom) -> tuple[str, ...]:
    if isinstance(node, ast.Import):
        return tuple(alias.name for alias in node.names)
    return () if node.level else (node.module or "",)

"""Test modules of plugins, for tests that put several plugins into one network."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

PLUGINS = Path(__file__).parent.parent / "plugins"


@cache
def plugin_tests(plugin: str, module: str) -> ModuleType:
    """A module of a plugin's test folder, under a name of its own."""
    path = PLUGINS / plugin / "tests" / f"{module}.py"
    name = f"plugin_tests_of_{plugin.replace('-', '_')}_{module}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[name] = loaded
    spec.loader.exec_module(loaded)
    return loaded

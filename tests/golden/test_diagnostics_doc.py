"""`docs/diagnostics.md` lists every diagnostic that the code can give; `--update-golden` writes it anew.

It is read from the source: wherever a diagnostic is made, its code is a literal, or handed through by a function
whose callers give literals.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from yaml import safe_load

from sdnctl.inventory.checking.table import RULES as TABLE

RULES = {rule.code for rule in TABLE}
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "diagnostics.md"

INTRODUCTION = """# Diagnostics

What sdnctl says when something is wrong, or worth knowing. Each has a code, which stays as it is between
versions: pipelines and scripts may rely on it, `--format json` has it as `code`, and so have SARIF and JUnit
reports. Text may become better. What `inventory check` finds beyond these is in its own list of rules
([fibre-check.md](fibre-check.md)).

```
error[code] what is wrong
    at  which object, in which file and line
   why  what is behind it
    do  what to do about it
```

All of one run are told at once. An *error* stops before anything is done; a *warning* and a *note* stop nothing.
`…` in the tables stands for names and numbers of the case. This page is made from the source.
"""

AREAS = (
    ("The command line", ("cli", "client", "quick.py")),
    ("Reading the network folder", ("workspace", "document.py", "units.py", "intents")),
    ("Plant and fibre", ("inventory",)),
    ("Foreign formats", ("exchange",)),
    ("Topology and compiler", ("topology", "compiler")),
    ("Verification", ("verify",)),
    ("Plans and what is done with them", ("plan", "usecases", "errors.py")),
    ("Store", ("store",)),
    ("Switches and devices", ("southbound", "dataplane", "telemetry", "plugins")),
    ("Labs", ("lab",)),
    ("Controller and API", ("daemon", "api")),
    ("Drawings", ("drawing",)),
)
MAKERS = {"Diagnostic": 5, "Fault": 5, "Refusal": 3, "error": 5, "warning": 5, "note": 5}
"""What makes a diagnostic (its code comes first), and where its hint stands among the arguments."""
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+|busy|store|plan|device|protocol|usage|error|outage|forbidden|inferred")


@dataclass
class Entry:
    """One code: what it says, in the words of the places that give it."""

    summaries: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    areas: list[str] = field(default_factory=list)


def text(node: ast.AST | None) -> str:
    """A string literal with `…` for what is filled in, or nothing."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return (text(node.left) or "…") + (text(node.right) or "…")
    if isinstance(node, ast.IfExp):
        return text(node.body) or text(node.orelse)
    return ""


def argument(call: ast.Call, position: int, *names: str) -> ast.AST | None:
    named = next((item.value for item in call.keywords if item.arg in names), None)
    if named is not None:
        return named
    return call.args[position] if position < len(call.args) else None


def worded(call: ast.Call, names: Mapping[str, str]) -> str:
    """The summary: the argument of that name, or the first behind the code that is words and not a name."""
    for value in (argument(call, 99, "summary"), *call.args[1:]):
        said = names.get(value.id, "") if isinstance(value, ast.Name) else text(value)
        if " " in said.strip("… "):
            return said
    return ""


def hinted(call: ast.Call, position: int, names: Mapping[str, str]) -> str:
    value = argument(call, position, "hint", "ask")
    return names.get(value.id, "") if isinstance(value, ast.Name) else text(value)


@dataclass
class Module:
    """What one walk over a module finds: calls with the functions round them, and texts that were given names."""

    calls: list[tuple[str, ast.Call, tuple[ast.AST, ...]]] = field(default_factory=list)
    names: dict[ast.AST, list[tuple[int, str, str]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, tree: ast.Module) -> Module:
        made = cls()
        waiting: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(tree, ())]
        while waiting:
            node, around = waiting.pop()
            if isinstance(node, ast.Call):
                function = node.func
                name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
                made.calls.append((name, node, around))
            elif isinstance(node, ast.Assign) and around and (said := text(node.value)):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        made.names[around[-1]].append((node.lineno, target.id, said))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                around = (*around, node)
            waiting += [(child, around) for child in reversed(list(ast.iter_child_nodes(node)))]
        return made

    def texts(self, around: tuple[ast.AST, ...], line: int) -> dict[str, str]:
        """Names of texts as they are at a line of the innermost function: the last assignment before it counts."""
        given = sorted(self.names.get(around[-1], ())) if around else []
        return {name: said for at, name, said in given if at <= line}


Given = tuple[int, str, int, ast.Call]
"""Where a function takes a code, by place and by name, where a hint (99: nowhere), and what it makes of them."""


def passed_on(module: Module) -> dict[str, list[Given]]:
    """Functions of a module that make a diagnostic of a code that they are given."""
    found: dict[str, list[Given]] = defaultdict(list)
    for name, call, around in module.calls:
        code = argument(call, 0, "code") if name in MAKERS else None
        for node in around if isinstance(code, ast.Name) else ():
            assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            names = [item.arg for item in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
            shift = 1 if names[:1] in (["self"], ["cls"]) else 0
            if code.id in names and node.name not in MAKERS:
                hints = [number - shift for number, one in enumerate(names) if one in ("hint", "ask")]
                place = names.index(code.id) - shift
                found[node.name].append((place, code.id, hints[0] if hints else 99, call))
    return found


def area(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    top = "plugins" if parts[0] == "plugins" else parts[1]
    return next(name for name, folders in AREAS if top in folders)


@cache
def entries() -> dict[str, Entry]:
    paths = sorted([*ROOT.glob("sdnctl/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")])
    modules = {
        path: Module.of(ast.parse(path.read_text(encoding="utf-8")))
        for path in paths
        if "testing" not in path.parts
    }
    own = {path: passed_on(module) for path, module in modules.items()}
    owners = Counter(name for functions in own.values() for name in functions)
    # A function of another module counts where its name is nobody else's.
    shared = {name: given for functions in own.values() for name, given in functions.items() if owners[name] == 1}
    found: dict[str, Entry] = defaultdict(Entry)

    def add(path: Path, code: str, summary: str, hint: str) -> None:
        entry = found[code]
        for into, said in ((entry.summaries, summary), (entry.hints, hint)):
            said = " ".join(said.split())
            if " " in said.strip("… ") and said not in into:  # one word alone is another thing than a text
                into.append(said)
        if area(path) not in entry.areas:
            entry.areas.append(area(path))

    for path, module in modules.items():
        for name, call, around in module.calls:
            names = module.texts(around, call.lineno)
            if name in MAKERS:
                code = text(argument(call, 0, "code"))
                if CODE.fullmatch(code) and len(call.args) + len(call.keywords) > 1:
                    add(path, code, worded(call, names), hinted(call, MAKERS[name], names))
            for position, key, advice, made in own[path].get(name) or shared.get(name, ()):
                code = text(argument(call, position, key))
                if CODE.fullmatch(code):
                    summary = (
                        worded(made, {}) or text(argument(call, position + 1, "summary")) or worded(call, names)
                    )
                    add(path, code, summary, hinted(made, 5, {}) or hinted(call, advice, names))
    return found


def notes() -> dict[str, dict[str, str]]:
    """What the page says where the source has no words."""
    made = safe_load((ROOT / "contrib" / "diagnostics.yaml").read_text(encoding="utf-8"))
    assert isinstance(made, dict)
    return made


def page() -> str:
    found, said = entries(), notes()
    parts = [INTRODUCTION]
    for name, _ in AREAS:
        rows = {code: entry for code, entry in sorted(found.items()) if entry.areas[:1] == [name]}
        if rows:
            parts.append(f"## {name}\n\n| code | says | what to do |\n|---|---|---|")
            parts += [
                f"| `{code}` | {_cell(entry.summaries, said.get(code, {}).get('means', ''))} "
                f"| {_cell(entry.hints, said.get(code, {}).get('do', ''))} |"
                for code, entry in rows.items()
            ]
            parts[-1] += "\n"
    return "\n".join(parts)


def _cell(said: list[str], instead: str) -> str:
    shown = [one.replace("|", "\\|").replace("<", "&lt;").rstrip(".") for one in said[:2] or [instead]]
    return "; or: ".join(shown)


def test_every_diagnostic_is_documented(pytestconfig: pytest.Config) -> None:
    made = page()
    if pytestconfig.getoption("--update-golden"):
        PAGE.write_text(made, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == made, "run this test with --update-golden"


def test_every_diagnostic_says_what_it_means_and_what_to_do() -> None:
    """In the source, or in `contrib/diagnostics.yaml`, which knows no other codes."""
    found, said = entries(), notes()
    assert not said.keys() - found.keys(), sorted(said.keys() - found.keys())
    silent = {f"{code}: means" for code, entry in found.items() if not entry.summaries}
    silent |= {f"{code}: do" for code, entry in found.items() if not entry.hints}
    silent -= {f"{code}: {key}" for code, note in said.items() for key in note}
    assert not silent, f"{sorted(silent)}: give a hint, or a note in contrib/diagnostics.yaml"


def test_codes_that_tests_and_pages_name_are_there() -> None:
    """The page is read from the source by rules of its own: what is known from elsewhere must be on it."""
    known = set(entries())
    named: set[str] = set()
    for path in (ROOT / "docs").glob("*.md"):
        named |= set(re.findall(r"(?:error|warning|note)\[([a-z0-9-]+)\]", path.read_text(encoding="utf-8")))
    for path in (ROOT / "tests").rglob("test_*.py"):
        named |= set(re.findall(r"(?:error|warning|note)\[([a-z0-9-]+)\]", path.read_text(encoding="utf-8")))
    named -= {"code", *RULES}
    assert len(named) > 10
    assert not named - known, sorted(named - known)

"""Networks for one suite: the small example, other cities, the reference. Each is loaded and compiled once.

``small`` and ``reference`` are the committed folders; ``GRAPH/SEED`` is a city drawn from that Topology Zoo graph.
"""

from __future__ import annotations

import atexit
import random
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from any_network_files import Files, read_files, write_files
from any_network_oracle import Declared, Pair
from any_network_services import Services
from any_network_survival import Survival
from any_network_tables import as_tables
from other_city import City, draw_city

from sdnctl.compiler.ir import Compiled
from sdnctl.compiler.pipeline import compile_network
from sdnctl.dataplane.fabric import Fabric
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import CompileError, Diagnostic, Severity
from sdnctl.topology.graph import Topology
from sdnctl.workspace.folder import Loaded, load_network

ROOT = Path(__file__).parents[1]
FOLDERS = {"small": ROOT / "lab" / "examples" / "small", "reference": ROOT}
CITIES = ("Abvt/3", "Renater2006/3")
SUBJECTS = ("small", *CITIES)
"""What the suite runs on test by test; the reference, which takes longer to compile, goes through it in one go."""
SOAK_GRAPHS = (
    "Funet",
    "Quest",
    "Xeex",
    "Oxford",
    "Arnes",
    "Geant2012",
    "Digex",
    "Noel",
    "Janetbackbone",
    "Aconet",
)


@dataclass(frozen=True)
class Round:
    """What a compilation refused, before less was asked for: address of the demand → the diagnostic."""

    declared: Declared
    refused: Mapping[str, Diagnostic]


@dataclass(frozen=True)
class Subject:
    """One network under test."""

    name: str
    folder: Path
    loaded: Loaded
    compiled: Compiled
    city: City | None = None
    rounds: tuple[Round, ...] = ()

    @cached_property
    def files(self) -> Files:
        return read_files(self.folder)

    @cached_property
    def declared(self) -> Declared:
        return Declared(self.files)

    @cached_property
    def survival(self) -> Survival:
        return Survival(self.topology, self.loaded.network.settings.lead_in)

    @property
    def topology(self) -> Topology:
        return self.loaded.network.topology

    def rng(self, what: str) -> random.Random:
        return random.Random(f"{self.name} {what}")

    @cached_property
    def fabric(self) -> Fabric:
        """In-memory switches with the compiled rules; shared by tests, so each starts with `fail()`."""
        return self.fabric_of(self.compiled.rules)

    def fabric_of(self, rules: Mapping[str, RuleSet]) -> Fabric:
        """In-memory switches with these rules, wired as the topology says."""
        links = self.topology.links.values()
        return Fabric(
            rules,
            {(link.a.node, link.a.port): (link.b.node, link.b.port) for link in links},
            mtu={(end.node, end.port): link.mtu for link in links for end in (link.a, link.b)},
            edge_ports=sorted({end.spot for end in self.declared.ends.values()}),
        )

    def sampled(self, what: str, count: int) -> list[Pair]:
        """Some of the declared pairs, of every application some."""
        rng = self.rng(what)
        by_application: dict[str, list[Pair]] = {}
        for pair in rng.sample(self.declared.pairs, len(self.declared.pairs)):
            by_application.setdefault(pair.application, []).append(pair)
        each = max(1, -(-count // len(by_application)))
        return [pair for _, group in sorted(by_application.items()) for pair in group[:each]]


@cache
def read_folder(name: str) -> Loaded:
    """A network that people wrote, read once in this process: nobody changes it."""
    return load_network(FOLDERS[name])


@cache
def subject(name: str) -> Subject:
    """A subject by name, made once in this process."""
    if name in FOLDERS:
        loaded = read_folder(name)
        return Subject(name, FOLDERS[name], loaded, compile_network(loaded.network))
    return settled(name)


def settled(name: str, applications: int = 7, leaves: int = 6) -> Subject:
    """A city with services that its plant can give: what is refused is asked for again, with less."""
    graph, _, seed = name.partition("/")
    services = Services(draw_city(graph, int(seed)))
    city = services.draw(applications, leaves)
    folder = Path(tempfile.mkdtemp(prefix="sdnctl-city-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    rounds: list[Round] = []
    while True:
        for path in (folder / "intents").glob("*"):
            path.unlink()
        files = as_tables(city.files, random.Random(name))
        loaded = load_network(write_files(folder, files))
        try:
            compiled = compile_network(loaded.network)
        except CompileError as error:
            errors = [item for item in error.diagnostics if item.severity is Severity.ERROR]
            refused = {item.address.partition(" demand ")[2]: item for item in errors}
            assert all(refused), [str(item) for item in errors]
            assert len(rounds) < 12, "asking for less does not help"
            rounds.append(Round(Declared(files), refused))
            services.weaken(refused)
        else:
            return Subject(name, folder, loaded, compiled, city, tuple(rounds))

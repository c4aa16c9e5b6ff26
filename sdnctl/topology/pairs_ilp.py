"""The arbiter for pairs of paths: an integer program (HiGHS) that finds the best pair or proves there is none.

Variables per directed link for each of the two paths, and per risk group whether a path touches it; flow
conservation, at most one path per link, transit switch and group, delay bounds. The soft form lets
the paths share at a price in metres: its answer is what every pair must share at least.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sdnctl.topology.disjoint import PairProblem, suurballe
from sdnctl.topology.graph import Hop, Path
from sdnctl.topology.turns import SearchLimit

MAX_NODES = 20_000
"""Branch-and-bound nodes after which the program gives up; a count, so that every machine agrees."""


@dataclass(frozen=True, slots=True)
class Shared:
    """The least that two paths share: group ids, links and transit switches."""

    groups: tuple[str, ...]
    links: tuple[str, ...]
    nodes: tuple[str, ...]


@dataclass(slots=True)
class _Model:
    """A linear program under construction: columns with cost and bounds, rows as sparse sums."""

    costs: list[float] = field(default_factory=list)
    integer: list[bool] = field(default_factory=list)
    rows: list[tuple[float, float, dict[int, float]]] = field(default_factory=list)

    def column(self, cost: float, *, integer: bool) -> int:
        self.costs.append(cost)
        self.integer.append(integer)
        return len(self.costs) - 1

    def row(self, low: float, high: float, terms: Mapping[int, float]) -> None:
        self.rows.append((low, high, dict(terms)))

    def solve(self) -> list[float] | None:
        """Column values of an optimum, or None where there is no solution. All columns are within 0…1."""
        import highspy

        program = highspy.HighsLp()
        count = len(self.costs)
        program.num_col_, program.num_row_ = count, len(self.rows)
        program.col_cost_, program.col_lower_, program.col_upper_ = self.costs, [0.0] * count, [1.0] * count
        kinds = highspy.HighsVarType
        program.integrality_ = [kinds.kInteger if flag else kinds.kContinuous for flag in self.integer]
        starts = [0]
        indices: list[int] = []
        values: list[float] = []
        for _, _, terms in self.rows:
            indices.extend(terms)
            values.extend(terms.values())
            starts.append(len(indices))
        program.row_lower_ = [low for low, _, _ in self.rows]
        program.row_upper_ = [high for _, high, _ in self.rows]
        matrix = program.a_matrix_
        matrix.format_ = highspy.MatrixFormat.kRowwise
        matrix.start_, matrix.index_, matrix.value_ = starts, indices, values
        solver = highspy.Highs()  # type: ignore[no-untyped-call]
        for option, value in _OPTIONS.items():
            solver.setOptionValue(option, value)
        solver.passModel(program)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            return list(solver.getSolution().col_value)
        if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
            return None
        raise SearchLimit(f"the integer program stopped without an answer: {solver.modelStatusToString(status)}")


_OPTIONS: Mapping[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "random_seed": 1,
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 1e-6,
    "mip_max_nodes": MAX_NODES,
}


class _PairModel:
    """The program of one `PairProblem`; with `prices` (group → price of sharing it) the soft form.

    `only` names the groups that have rows (None: all of them).
    """

    def __init__(
        self, problem: PairProblem, prices: Mapping[str, float] | None, only: Collection[str] | None = None
    ) -> None:
        self.problem = problem
        self.model = _Model()
        self.soft = prices is not None
        self.prices = prices or {}
        self.shared: dict[tuple[str, str], int] = {}  # ("group" | "link" | "node", id) → column of sharing it
        topology = problem.graph.topology
        self.primary = self._arcs(problem.banned | problem.banned_primary)
        self.standby = self._arcs(problem.banned)
        for arcs in (self.primary, self.standby):
            self._conserve(arcs)
        by_link: dict[str, list[int]] = defaultdict(list)
        by_head: dict[str, list[int]] = defaultdict(list)
        for arcs in (self.primary, self.standby):
            for hop, column in arcs.items():
                by_link[hop.link].append(column)
                by_head[hop.head].append(column)
        for link in sorted(by_link):
            self._once("link", link, topology.links[link].length + 1.0, by_link[link])
        for node in sorted(set(by_head) - {problem.target}):
            self._once("node", node, 1.0, by_head[node])
        for name, members in self._groups():
            if only is None or name in only:
                self._group(name, members)
        if not self.soft:
            self._delays()

    def _arcs(self, banned: frozenset[str]) -> dict[Hop, int]:
        problem = self.problem
        delays = problem.graph.delays
        arcs = {}
        for node in sorted(problem.graph.topology.nodes):
            for hop in problem.graph.topology.adjacency[node]:
                if hop.link in banned or (hop.link, hop.tail) in problem.closed:
                    continue
                if hop.head != problem.source and hop.tail != problem.target:
                    cost = 1e-6 if self.soft else delays[hop.link] / 1000 + 1e-3
                    arcs[hop] = self.model.column(cost, integer=True)
        return arcs

    def _conserve(self, arcs: Mapping[Hop, int]) -> None:
        problem = self.problem
        balance: dict[str, dict[int, float]] = {node: {} for node in problem.graph.topology.nodes}
        for hop, column in arcs.items():
            balance[hop.tail][column] = 1.0
            balance[hop.head][column] = -1.0
        for node in sorted(balance):
            supply = {problem.source: 1.0, problem.target: -1.0}.get(node, 0.0)
            self.model.row(supply, supply, balance[node])

    def _once(self, kind: str, name: str, price: float, columns: list[int]) -> None:
        """At most one of the two paths uses this link or enters this switch."""
        terms = dict.fromkeys(columns, 1.0)
        if len(terms) < 2:
            return
        if self.soft:
            self.shared[kind, name] = column = self.model.column(price, integer=False)
            terms[column] = -1.0
        self.model.row(float("-inf"), 1.0, terms)

    def _groups(self) -> list[tuple[str, frozenset[str]]]:
        """Groups that can matter: several links; each member set once; in the hard form only maximal ones."""
        usable = frozenset(hop.link for hop in self.standby)
        sets: dict[frozenset[str], str] = {}
        for name in sorted(self.problem.groups, key=lambda name: (-self.prices.get(name, 0.0), name)):
            members = self.problem.groups[name] & usable
            if len(members) > 1:
                sets.setdefault(members, name)
        return sorted(
            (name, members)
            for members, name in sets.items()
            if self.soft or not any(members < other for other in sets)
        )

    def _group(self, name: str, members: frozenset[str]) -> None:
        touches = []
        for arcs in (self.primary, self.standby):
            columns = [column for hop, column in arcs.items() if hop.link in members]
            if not columns:
                return
            touch = self.model.column(0.0, integer=False)
            for column in columns:
                self.model.row(float("-inf"), 0.0, {column: 1.0, touch: -1.0})
            touches.append(touch)
        terms = dict.fromkeys(touches, 1.0)
        if self.soft:
            self.shared["group", name] = column = self.model.column(
                1.0 + self.prices.get(name, 0.0), integer=False
            )
            terms[column] = -1.0
        self.model.row(float("-inf"), 1.0, terms)

    def _delays(self) -> None:
        problem = self.problem
        if problem.bound is None:
            return
        bound = problem.bound / 1000
        delays = {link: delay / 1000 for link, delay in problem.graph.delays.items()}
        for arcs in (self.primary, self.standby):
            self.model.row(float("-inf"), bound, {column: delays[hop.link] for hop, column in arcs.items()})
        for link, extra in sorted(problem.excess.items()):
            columns = [column for hop, column in self.primary.items() if hop.link == link]
            if extra > 0 and columns:
                terms = {column: delays[hop.link] for hop, column in self.primary.items()}
                for column in columns:
                    terms[column] += extra / 1000
                self.model.row(float("-inf"), bound, terms)

    def solve(self) -> tuple[Path, Path, Shared] | None:
        values = self.model.solve()
        if values is None:
            return None
        primary, standby = (
            self._path(hop for hop, column in arcs.items() if values[column] > 0.5)
            for arcs in (self.primary, self.standby)
        )
        kinds: dict[str, list[str]] = {"group": [], "link": [], "node": []}
        for (kind, name), column in sorted(self.shared.items()):
            if values[column] > 0.5:
                kinds[kind].append(name)
        return primary, standby, Shared(tuple(kinds["group"]), tuple(kinds["link"]), tuple(kinds["node"]))

    def _path(self, hops: Iterable[Hop]) -> Path:
        """Follow the chosen arcs from the source; cycles apart from it cost something and do not occur."""
        by_tail = {hop.tail: hop for hop in hops}
        path = []
        node = self.problem.source
        while node != self.problem.target:
            hop = by_tail.pop(node)
            path.append(hop)
            node = hop.head
        return Path(tuple(path))


def least_pair(problem: PairProblem) -> tuple[Path, Path] | None:
    """The pair of least total delay that satisfies the problem, or None: proven impossible.

    Raises `SearchLimit` where the program gave up.
    """
    pair = suurballe(problem.graph, problem.source, problem.target, problem.banned)
    rows: frozenset[str] | None = None
    while pair is not None:
        # Few groups ever matter: only those get rows that some answer without them shared.
        wanted = _shared(problem, *pair) | (rows or frozenset())
        if wanted == rows:
            raise SearchLimit("the integer program's answer does not satisfy the conditions exactly")
        rows = wanted
        found = _PairModel(problem, None, rows).solve()
        pair = None if found is None else found[:2]
        if pair is not None and problem.is_solution(*pair):
            return pair
    return None


def _shared(problem: PairProblem, primary: Path, standby: Path) -> frozenset[str]:
    """Groups that both paths touch."""
    one, other = frozenset(primary.links), frozenset(standby.links)
    return frozenset(
        name for name, links in problem.groups.items() if not links.isdisjoint(one) and not links.isdisjoint(other)
    )


def least_shared(problem: PairProblem, metres: Mapping[str, float]) -> Shared | None:
    """What two paths must share at least, priced by metres; delays do not count. None: not even one path."""
    found = _PairModel(problem, metres).solve()
    return found[2] if found else None

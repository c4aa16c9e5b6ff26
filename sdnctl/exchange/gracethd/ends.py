"""Where cables end: as they say, else as their boxes, their ways or their lines say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sdnctl.exchange.gracethd.defects import DISTANCES, Findings
from sdnctl.exchange.gracethd.lines import Line
from sdnctl.exchange.gracethd.places import Places, Point, add_node, degrees
from sdnctl.exchange.gracethd.records import Records
from sdnctl.exchange.gracethd.store import Store
from sdnctl.exchange.gracethd.ways import Ways

_WHY = "a cable ends at"


class Ends:
    """Finds the ends of the cables of one delivery."""

    def __init__(self, store: Store, places: Places, ways: Ways, records: Records, findings: Findings) -> None:
        self.places, self.ways, self.records, self.findings = places, ways, records, findings
        self.boxes = {
            code: places.point_of[point]
            for _, (code, point), _ in store.read("t_ebp", "bp_code", "bp_pt_code")
            if point in places.point_of
        }

    def find(
        self,
        code: str,
        line: int,
        nodes: tuple[str, str],
        boxes: tuple[str, str],
        drawn: Line | None,
        named: Sequence[str],
    ) -> tuple[str, str] | None:
        """The places where a cable ends, inferred ones marked; None (and a defect) where nobody can tell."""
        columns = ("cb_nd1", "cb_nd2")
        found = [self._at_node(code, line, *one) for one in zip(nodes, columns, strict=True)]
        for source, guesses in self._guesses(found, boxes, drawn, named):
            for number in (0, 1):
                guess = guesses[number]
                if found[number] is None and guess is not None and guess != found[1 - number]:
                    found[number] = guess
                    node = self.places.nodes.get(guess, guess)
                    self.findings.infer("t_cable", code, f"cb_nd{number + 1}", node, source)
        if drawn is not None:
            self._grade(code, drawn, found)
        a, b = found
        if a is not None and b is not None and a != b:
            return a, b
        column = "cb_nd1" if a is None else "cb_nd2"
        text = (
            f"cable {code} ends at {a} at both ends" if a is not None and a == b else f"cable {code} ends nowhere"
        )
        at = degrees(*drawn.points[0]) if drawn is not None else None
        ask = f"Fill in {column}."
        self.findings.error("cable-without-ends", "t_cable", code, text, line, column=column, at=at, ask=ask)
        return None

    def _at_node(self, code: str, line: int, node: str, column: str) -> str | None:
        if not node:
            return None
        place = add_node(self.places, self.records, self.findings, node, _WHY)
        if place is None:
            text = f"cable {code}: there is no place at node {node}"
            self.findings.error("no-such-node", "t_cable", code, text, line, column=column)
        return place

    def _guesses(
        self,
        found: Sequence[str | None],
        boxes: tuple[str, str],
        drawn: Line | None,
        named: Sequence[str],
    ) -> Iterator[tuple[str, list[str | None]]]:
        """What else tells of the two ends, the surest first."""
        yield "cb_bp1 and cb_bp2", [self.boxes.get(box) for box in boxes]
        outer = self._outer(named)
        if outer is not None:
            turned = found[0] == outer[1] or found[1] == outer[0]
            yield "the ways it takes", [outer[1], outer[0]] if turned else [*outer]
        if drawn is not None:
            near = [self.places.grid.nearest(drawn.points[end]) for end in (0, -1)]
            places = [
                add_node(self.places, self.records, self.findings, node, _WHY) if node and not held else None
                for node, held in zip(near, found, strict=True)
            ]
            yield "the ends of its line in t_cableline", places

    def _outer(self, named: Sequence[str]) -> tuple[str, str] | None:
        """The two places at which only one part of a route ends."""
        counts: dict[str, int] = defaultdict(int)
        for name in named:
            for place in self.ways.ends.get(name, ()):
                counts[place] += 1
        outer = [place for place, count in counts.items() if count == 1]
        return (outer[0], outer[1]) if len(outer) == 2 else None

    def _grade(self, code: str, drawn: Line, found: Sequence[str | None]) -> None:
        """How far a cable's line ends from the cable's places; either direction is right."""
        spots = [self.places.xy.get(self.places.nodes.get(place or "", "")) for place in found]
        a, b = spots
        if a is None or b is None:
            return
        far = min(_off(drawn.points, a, b), _off(drawn.points, b, a))
        if far <= DISTANCES[0]:
            return
        text = f"the line of {code} ends {far:.3f} m away from the cable's nodes"
        self.findings.graded(far, "cable-line-off-node", "t_cableline", code, text, at=degrees(*drawn.points[0]))


def _off(line: Sequence[Point], first: Point, last: Point) -> float:
    """The greater distance of the ends of a line from two points."""
    (x, y), (u, v) = line[0], line[-1]
    return max(abs(complex(first[0] - x, first[1] - y)), abs(complex(last[0] - u, last[1] - v)))

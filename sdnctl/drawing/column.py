"""The column of a sheet: title, figures, what a cut takes down, legend, applications, sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from sdnctl.drawing import palette
from sdnctl.drawing.canvas import Box, Fill, Item, Marks, Stroke, Text
from sdnctl.drawing.mapframe import FATE_COLOURS, SITE_MARKS
from sdnctl.drawing.metrics import width, wrap
from sdnctl.drawing.scene import FATES, Event, Scene

FATE_TEXTS = {
    "repaired": "repaired by the switches",
    "standby": "on standby paths",
    "lost": "lost until rerouted",
    "severed": "cut off",
}
SITE_TEXTS = {
    "datacentre": "Datacentre",
    "pop": "Point of presence",
    "office": "Office",
    "cabinet": "Cabinet",
    "customer": "Customer",
}


KINDS = 18
"""How many kinds of endpoints the legend names, the most frequent."""


class Column:
    """Sets text and keys from the top down; `y` is where the next line goes. Blocks without room are left out."""

    def __init__(self, scene: Scene, box: Box) -> None:
        self.scene = scene
        self.left, self.y, self.right, self.bottom = box
        self.drawn: list[Item] = []

    def items(self) -> list[Item]:
        self.title()
        self.figures()
        if self.scene.cut_event is not None:
            self.cut(self.scene.cut_event)
        elif self.scene.chosen:
            self.chosen()
        self.sources()  # they stand at the bottom, so that the rest knows what room is left
        for block in (self.sites, self.links, self.routes, self.endpoints, self.applications):
            self.whole(block)
        return self.drawn

    # ── setting ──────────────────────────────────────────────────────────────────────────────────

    @property
    def wide(self) -> float:
        return self.right - self.left

    def whole(self, block: Callable[[], None]) -> None:
        """A block, or nothing of it where it does not fit."""
        before, y = len(self.drawn), self.y
        block()
        if self.y > self.bottom:
            del self.drawn[before:]
            self.y = y

    def text(
        self,
        x: float,
        text: str,
        size: float = 3.1,
        colour: str = palette.INK,
        face: str = "Regular",
        end: bool = False,
    ) -> None:
        """A line of text whose baseline is at `y`; `end` sets it to the left of `x`."""
        self.drawn.append(Text((x, self.y), text, size, colour, face, "end" if end else "start"))

    def heading(self, text: str, note: str = "") -> None:
        self.y += 7.5
        self.drawn.append(
            Stroke((((self.left, self.y - 5.2), (self.right, self.y - 5.2)),), palette.AREA_LINE, 0.2)
        )
        self.text(self.left, text, 3.5, face="SemiBold")
        if note:
            self.text(self.right, note, 2.7, palette.MUTED, end=True)
        self.y += 0.8

    def keys(self, keys: list[tuple[Callable[[float, float], Item], str, str]], columns: int = 2) -> None:
        """Symbols with their meaning, in columns; a symbol is drawn round the point it is given."""
        step = self.wide / columns
        for index, (symbol, text, note) in enumerate(keys):
            if index % columns == 0:
                self.y += 4.7
            x = self.left + index % columns * step
            self.drawn.append(symbol(x + 3, self.y - 1.0))
            self.text(x + 7.5, text, 2.9)
            if note:
                self.text(x + 7.5 + width(text, 2.9) + 1.2, note, 2.5, palette.MUTED)

    # ── blocks ───────────────────────────────────────────────────────────────────────────────────

    def title(self) -> None:
        size = min(12.5, 12.5 * self.wide / max(width(self.scene.name, 12.5, "SemiBold"), 1.0))
        self.y += size * 0.78
        self.text(self.left, self.scene.name, size, face="SemiBold")
        for line in wrap(self.scene.state, 3.3, self.wide):
            self.y += 5
            self.text(self.left, line, 3.3, palette.MUTED)
        self.y += 2

    def figures(self) -> None:
        scene = self.scene
        cable = sum(one.sheath for one in scene.cables)
        route = sum(one.length for one in scene.segments)
        found = [
            (f"{cable / 1000:,.0f} km".replace(",", "\u00a0"), "of cable") if cable else None,
            (f"{route / 1000:,.0f} km".replace(",", "\u00a0"), "of routes") if route else None,
            (f"{len(scene.switches):,}".replace(",", "\u00a0"), "switches"),
            (f"{len(scene.links):,}".replace(",", "\u00a0"), "links"),
            (f"{len(scene.endpoints):,}".replace(",", "\u00a0"), "endpoints"),
        ]
        shown = [one for one in found if one is not None]
        step = self.wide / max(len(shown), 4)
        self.y += 6.5
        for index, (value, text) in enumerate(shown):
            self.text(self.left + index * step, value, 5.2, face="SemiBold")
            self.y += 3.8
            self.text(self.left + index * step, text, 2.7, palette.MUTED)
            self.y -= 3.8
        self.y += 5.5

    def cut(self, event: Event) -> None:
        """What the cut takes down: sentence, four figures, a bar for each application."""
        fates = self.scene.fates(event)
        total = Counter({fate: sum(getattr(row, fate) for row in fates.values()) for fate in FATES})
        self.heading("Cut")
        for line in wrap(", ".join(self.scene.cut), 4.2, self.wide, "SemiBold"):
            self.y += 5.2
            self.text(self.left, line, 4.2, palette.ALARM, "SemiBold")
        told = f"{_together(event)}; {_counted(total.total(), 'demand')} ran there."
        for line in wrap(told, 3.1, self.wide):
            self.y += 4.6
            self.text(self.left, line)
        self.y += 3
        step = self.wide / 2
        for index, fate in enumerate(FATES):
            x = self.left + index % 2 * step
            self.drawn.append(
                Fill((_bar(x, self.y, 1.1, 8.2),), FATE_COLOURS[fate] if total[fate] else palette.FADED)
            )
            self.y += 4.4
            self.text(x + 3, str(total[fate]), 5.4, palette.INK if total[fate] else palette.MUTED, "SemiBold")
            self.y += 3.6
            self.text(x + 3, FATE_TEXTS[fate], 2.7, palette.MUTED)
            self.y += -8 if index % 2 == 0 else 2.8
        self.y += 1.5
        for name, row in fates.items():
            self.y += 4.5
            self.text(self.left, name, 2.9)
            self.text(self.right, str(row.demands), 2.9, end=True)
            x, room = self.left + 42, self.wide - 52
            for fate in FATES:
                part = room * getattr(row, fate) / row.demands
                if part:
                    self.drawn.append(Fill((_bar(x, self.y - 1.9, part, 1.7),), FATE_COLOURS[fate]))
                x += part

    def chosen(self) -> None:
        self.heading("Shown")
        self.y += 5.2
        self.text(
            self.left,
            self.scene.chosen,
            min(4.2, 4.2 * self.wide / width(self.scene.chosen, 4.2, "SemiBold")),
            palette.PATH,
            "SemiBold",
        )
        self.keys(
            [
                (lambda x, y: Stroke((((x - 3, y), (x + 3, y)),), palette.PATH, 1.2), "Path", ""),
                (lambda x, y: Stroke((((x - 3, y), (x + 3, y)),), palette.STANDBY, 0.8, (2, 1.2)), "Standby", ""),
            ]
        )

    def sites(self) -> None:
        count = Counter(one.kind for one in self.scene.sites)
        self.heading("Sites", str(count.total()))

        def symbol(kind: str) -> Callable[[float, float], Item]:
            form, radius = SITE_MARKS[kind]
            return lambda x, y: Marks(((x, y),), form, radius, palette.INK, "#ffffff", 0.2)

        self.keys([(symbol(kind), SITE_TEXTS[kind], str(count[kind])) for kind in SITE_MARKS if count[kind]])

    def links(self) -> None:
        if not self.scene.links:
            return
        self.heading("Links by load", "committed rate, fuller direction")
        step = self.wide / len(palette.LOAD_STEPS)
        self.y += 1.6
        for index, (_, colour, text) in enumerate(palette.LOAD_STEPS):
            x = self.left + index * step
            self.drawn.append(Fill((_bar(x, self.y, step - 0.6, 1.5),), colour))
            self.drawn.append(Text((x, self.y + 4.4), text, 2.4, palette.MUTED))
        self.y += 5
        states = {one.state for one in self.scene.links}
        dashes = {"down": ("Down", (1.4, 0.9)), "pinned": ("Kept free by the controller", (0.3, 0.9))}
        self.keys(
            [
                (_stroke(palette.ALARM, 0.8, dash), text, "")
                for state, (text, dash) in dashes.items()
                if state in states
            ]
        )

    def routes(self) -> None:
        length: Counter[str] = Counter()
        for one in self.scene.segments:
            length[one.kind if one.status == "in-service" else "idle"] += round(one.length)
        if not length and not self.scene.zones:
            return
        self.heading("Routes and zones")
        keys = [
            (
                _stroke(
                    palette.PLANT,
                    0.9 if kind == "bridge" else 0.4,
                    tuple(part / 8 for part in palette.DASHES[kind]),
                ),
                text,
                _kilometres(length[kind]),
            )
            for kind, text in palette.SEGMENT_NAMES.items()
            if length[kind]
        ]
        if length["idle"]:
            keys.append(
                (_stroke(palette.NOT_IN_SERVICE, 0.4, (0.2, 0.6)), "Not in service", _kilometres(length["idle"]))
            )
        for kind in sorted({zone.kind for zone in self.scene.zones}):
            fill, line = (
                (palette.FLOOD, palette.FLOOD_LINE) if kind == "flood" else (palette.HAZARD, palette.HAZARD_LINE)
            )
            keys.append((_patch(fill, line), f"{kind.capitalize()} zone", ""))
        self.keys(keys)

    def endpoints(self) -> None:
        count = Counter(one.kind for one in self.scene.endpoints)
        if not count:
            return
        marks = palette.marks(one.kind for one in self.scene.endpoints)
        if self.scene.cut_event is not None:
            self.heading("Endpoints", "those hit are coloured as above")
        else:
            self.heading("Endpoints", f"{count.total():,}".replace(",", "\u00a0"))

        def symbol(kind: str) -> Callable[[float, float], Item]:
            colour, form = marks[kind]
            return lambda x, y: Marks(((x, y),), form, 1.15, colour, "#ffffff", 0.1)

        ranked = sorted(count, key=lambda kind: (-count[kind], kind))
        shown = ranked if len(ranked) <= KINDS else ranked[: KINDS - 2]
        self.keys([(symbol(kind), kind.replace("-", " ").capitalize(), str(count[kind])) for kind in shown])
        if rest := ranked[len(shown) :]:
            self.y += 4.7
            many = sum(count[kind] for kind in rest)
            self.text(
                self.left + 7.5,
                f"and {len(rest)} kinds of which there are few, together {many}",
                2.6,
                palette.MUTED,
            )

    def applications(self) -> None:
        rates: Counter[str] = Counter()
        demands: Counter[str] = Counter()
        for flow in [flow for trunk in self.scene.trunks for flow in trunk.flows] + list(self.scene.local):
            rates[flow.application] += flow.cir
            demands[flow.application] += 1
        if not demands:
            return
        self.heading("Applications", "class · demands · committed rate")
        for one in self.scene.applications:
            self.y += 4.3
            self.text(self.left, one.name, 2.9)
            self.text(self.left + 46, one.service_class, 2.6, palette.MUTED)
            self.text(
                self.right - 18, f"{demands[one.name]:,}".replace(",", "\u00a0"), 2.6, palette.MUTED, end=True
            )
            self.text(self.right, _rate(rates[one.name]), 2.6, palette.MUTED, end=True)

    def sources(self) -> None:
        """At the bottom: where the plant and the outlines are known from."""
        told = ["Drawn by sdnctl from the network folder."]
        if not self.scene.placed:
            told.append(
                "The folder gives no positions: sites are laid out by their links, distances mean nothing."
            )
        told += self.scene.sources[:6]
        lines = [line for text in told for line in wrap(text, 2.3, self.wide)]
        top = self.bottom - 3.1 * (len(lines) - 1)
        for index, line in enumerate(lines):
            self.drawn.append(Text((self.left, top + 3.1 * index), line, 2.3, palette.MUTED))
        self.bottom = top - 4


def _together(event: Event) -> str:
    """What goes dark, in words."""
    counts = ((len(event.links), "link"), (len(event.switches), "switch"), (len(event.dark), "endpoint"))
    parts = [_counted(count, name) for count, name in counts if count]
    verb = "goes" if sum(count for count, _ in counts) <= 1 else "go"
    return f"{' and '.join(parts) or 'Nothing that is lit'} {verb} dark"


def _counted(count: int, name: str) -> str:
    ending = "" if count == 1 else "es" if name.endswith("ch") else "s"
    return f"{count:,} {name}{ending}".replace(",", "\u00a0")


def _bar(x: float, y: float, wide: float, high: float) -> tuple[tuple[float, float], ...]:
    return (x, y), (x + wide, y), (x + wide, y + high), (x, y + high)


def _stroke(colour: str, weight: float, dash: tuple[float, ...]) -> Callable[[float, float], Item]:
    return lambda x, y: Stroke((((x - 3, y), (x + 3, y)),), colour, weight, dash)


def _patch(fill: str, line: str) -> Callable[[float, float], Item]:
    return lambda x, y: Fill((_bar(x - 2.6, y - 1.4, 5.2, 2.8),), fill, line, 0.2)


def _rate(rate: int) -> str:
    """A rate in three digits, which are enough to compare."""
    for unit, size in (("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000)):
        if rate >= size:
            return f"{rate / size:.3g} {unit}"
    return f"{rate} bit/s"


def _kilometres(metres: float) -> str:
    return f"{metres / 1000:.0f} km" if metres >= 9_500 else f"{metres / 1000:.1f} km"

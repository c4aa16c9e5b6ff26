"""How far the records are off along a course, learnt from what a trace shows at known joints.

The *error* at a fibre metre s is what the instrument measures there minus s. Nobody knows it, but its causes are
known: the group index set at the instrument, a helix that is not quite the cable type's, cable that lies in its
duct less straight here than there, loops that are longer or shorter than written. Each cause says how errors at
two places hang together (their covariance); joints whose error was read off pin it down, and between and behind
them the best guess and its doubt follow by Gaussian-process regression (kriging; Rasmussen & Williams 2006, eq.
2.23–24).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sdnctl.inventory.course import Course, Stretch

COVERAGE = 1.96
"""Standard deviations on either side that hold 95 % of cases."""


@dataclass(frozen=True, slots=True)
class Tolerances:
    """One standard deviation of each thing that is not known exactly.

    `index`: share, of the group index at the instrument. `helix`: share, of one cable against its type;
    `unmeasured`: the same where its sheath was never measured and is taken to be as long as the way. `lay`:
    metres per √metre, of sheath against the way, as a random walk. `loop`: share of each loop. `zero`: metres,
    of where the link begins on the trace. `reading`: metres, of an event; to it come half a sample and a share
    `edge` of the pulse's length.
    """

    index: float = 0.001
    helix: float = 0.0025
    unmeasured: float = 0.03
    lay: float = 0.05
    loop: float = 0.03
    zero: float = 0.5
    reading: float = 0.5
    edge: float = 0.05


@dataclass(slots=True)
class Calibration:
    """The error along one course, and joints (`at`, `errors`, `variances`) at which it was read."""

    course: Course
    tolerances: Tolerances
    at: list[float] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    variances: list[float] = field(default_factory=list)
    _weights: NDArray[np.float64] | None = None
    _inverse: NDArray[np.float64] | None = None

    def add(self, at: float, measured: float, deviation: float) -> None:
        """An event at `measured` metres is the joint at fibre metre `at`."""
        self.at.append(at)
        self.errors.append(measured - at)
        self.variances.append(deviation**2)
        known = np.array(self.at)
        total = self.covariance(known, known) + np.diag(self.variances)
        inverse: NDArray[np.float64] = np.linalg.inv(total).astype(np.float64)
        self._inverse, self._weights = inverse, inverse @ np.array(self.errors)

    def covariance(self, a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        """How errors at fibre metres `a` (rows) and `b` (columns) hang together, m²."""
        t = self.tolerances
        total = t.zero**2 + t.index**2 * np.outer(a, b)
        for metres, measured in self._of_cables():
            share = t.helix if measured else t.unmeasured
            total += share**2 * np.outer(metres(a), metres(b))
        first = np.minimum.outer(a, b)
        total += t.lay**2 * np.maximum(first, 0.0)
        for loop in self.course.loops:
            total += np.where(first >= loop.at, (t.loop * loop.length) ** 2, 0.0)
        return np.asarray(total)

    def _of_cables(self) -> list[tuple[_Passed, bool]]:
        """For each cable: how much of it lies before a fibre metre, and whether its sheath was measured."""
        cables: dict[str, list[Stretch]] = {}
        for one in self.course.stretches:
            cables.setdefault(one.cable, []).append(one)
        return [
            (_Passed(tuple((one.at, one.end) for one in pieces)), pieces[0].measured) for pieces in cables.values()
        ]

    def unknown(self, at: float) -> float:
        """Standard deviation of the error at a fibre metre before anything was read off the trace."""
        here = np.array([at])
        return float(np.sqrt(self.covariance(here, here)[0, 0]))

    def error(self, at: float) -> tuple[float, float]:
        """The error at a fibre metre: best guess, and its standard deviation."""
        here = np.array([at])
        own = self.unknown(at) ** 2
        if self._inverse is None or self._weights is None:
            return 0.0, own**0.5
        shared = self.covariance(here, np.array(self.at))[0]
        return float(shared @ self._weights), max(own - float(shared @ self._inverse @ shared), 0.0) ** 0.5

    def locate(self, measured: float) -> tuple[float, float]:
        """The fibre metre of what is measured at a distance, and its standard deviation without reading it."""
        at = measured
        for _ in range(20):  # the error changes by some thousandths a metre, so each turn gains two digits
            guess, deviation = self.error(at)
            moved, at = at, measured - guess
            if abs(at - moved) < 1e-4:
                break
        return at, deviation

    def nearest(self, at: float) -> float:
        """Metres of fibre to the nearest joint at which the error was read."""
        return min((abs(at - known) for known in self.at), default=abs(at))


@dataclass(frozen=True, slots=True)
class _Passed:
    """Metres of one cable that lie before a fibre metre."""

    pieces: tuple[tuple[float, float], ...]

    def __call__(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        total = np.zeros_like(at)
        for start, end in self.pieces:
            total += np.clip(at, start, end) - start
        return total

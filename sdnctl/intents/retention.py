"""What recorders must hold: streams × rate × retention, per root of every application that keeps something.

The rate is the committed one (CIR) of each stream to the root: that is what is admitted, and so what can arrive
for the whole time. Excess may arrive too, but nobody can count on it; who wants it kept, commits it.
Bytes are decimal: 1 PB is 10^15.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sdnctl.intents.demand import Demand, Endpoint
from sdnctl.units import Bitrate, Duration, Octets


@dataclass(frozen=True, slots=True)
class Storage:
    """One root (a recorder): how many leaves send to it, at which rate together, for how long that is kept."""

    application: str
    root: Endpoint
    leaves: int
    rate: Bitrate
    retention: Duration
    size: Octets


def storage(demands: Iterable[Demand], retention: Mapping[str, Duration]) -> tuple[Storage, ...]:
    """What every root of the applications in `retention` has to keep, by application and root."""
    streams: dict[tuple[str, str], list[Demand]] = defaultdict(list)
    for demand in demands:
        if demand.application in retention and demand.egress.id == demand.hub:
            streams[demand.application, demand.hub].append(demand)
    return tuple(
        _kept(application, some, retention[application]) for (application, _), some in sorted(streams.items())
    )


def _kept(application: str, streams: list[Demand], retention: Duration) -> Storage:
    rate = Bitrate(sum(demand.cir for demand in streams))
    return Storage(application, streams[0].egress, len(streams), rate, retention, size(rate, retention))


def size(rate: Bitrate, retention: Duration) -> Octets:
    """Bytes of a stream of `rate` over `retention`, rounded up."""
    return Octets(-(-rate * retention // 8))

"""Loss, margin, overload, dispersion and delay of a directed chain of glass.

Every loss is a span: the least and the greatest value that accepted plant can have. The link closes when
the greatest loss, with the weakest transmitter, still reaches the receiver; the receiver is safe when the
least loss, with the strongest transmitter, does not overload it.

Figures, where the plant does not give its own:

- attenuation of G.652.D and of G.657.A, which follows it: field traces 0.342 dB/km and planning 0.35 at
  1310 nm; 0.21 to 0.25 at 1550 nm (planning rules of French access networks);
- splices: accepted up to 0.20 dB on the mean of both directions, so 0 to 0.20 where none was measured;
- an ODF position: the delivery limits 0.5 dB (connector grade B of IEC 61753-1) and 0.8 dB (grade C) are
  for the mated connector *and* its pigtail splice, which is therefore not added again;
- the connector at the transceiver is inside the transceiver's figures (launched at the end of a patch
  cord, IEEE 802.3 test point TP2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sdnctl.inventory.fields import Wavelength
from sdnctl.inventory.passives import loss_through
from sdnctl.inventory.plant import CableType, PassivePort, Plant, StrandEnd, Transceiver
from sdnctl.inventory.tracing import Step, StepKind, Trace
from sdnctl.quick import quick
from sdnctl.units import Delay, Loss

ATTENUATION: Mapping[Wavelength, tuple[float, float]] = {
    Wavelength(1310): (0.342, 0.35),
    Wavelength(1550): (0.21, 0.25),
}
"""dB/km, least and greatest, of the single-mode fibres that `CableType.fibre` may name."""
ATTENUATION_REACH = 20
"""How far (nm) from a tabulated wavelength its figures are still used: an LR4 lane, a C-band channel."""
SPLICE = (0.0, 0.20)
ODF_POSITION: Mapping[str, tuple[float, float]] = {"B": (0.0, 0.5), "C": (0.0, 0.8)}
DISPERSION: Mapping[Wavelength, float] = {Wavelength(1310): 1.3, Wavelength(1550): 16.7}
"""ps/(nm·km): 16.7 at 1550 nm; at 1310 nm the bound 0.092·14 from slope and zero-dispersion window of G.652."""
LIGHT = 299.792458
"""Speed of light, m/µs."""
JUMPER_INDEX = 1.4682
"""Group index of patch cords: that of common G.652.D fibre at 1550 nm, 4.9 µs/km."""


@quick
@dataclass(frozen=True, slots=True)
class LossSpan:
    """Least and greatest loss, dB."""

    min: Loss
    max: Loss


@dataclass(frozen=True, slots=True)
class DirectedBudget:
    """One direction from a transmitter to a receiver, all dB but `dispersion` (ps/nm).

    `allowed` loss = weakest launch − least needed power (− penalty where that is a sensitivity).
    `margin` = allowed − greatest loss; `needed` = strongest launch − overload power; `overload` = least
    loss − needed: negative means that the receiver is overloaded.
    """

    loss: LossSpan
    allowed: Loss
    margin: Loss
    needed: Loss
    overload: Loss
    dispersion: float
    dispersion_limit: float | None

    @property
    def closes(self) -> bool:
        return self.margin >= 0

    @property
    def safe(self) -> bool:
        return self.overload >= 0

    @property
    def dispersed(self) -> bool:
        return self.dispersion_limit is not None and self.dispersion > self.dispersion_limit


class UnknownAttenuation(ValueError):
    """No attenuation is known for a fibre at a wavelength; the message says for which cable type."""


def allowed_loss(tx: Transceiver, rx: Transceiver) -> Loss:
    """Greatest loss that a channel from `tx` to `rx` may have.

    IEEE 802.3 states the least average receive power with the penalty already inside
    (`min_average_rx`); a vendor's sensitivity is measured back to back, so the receiver's penalty is
    subtracted. 10GBASE-LR: −8.2 − (−14.4) = 6.2 dB.
    """
    allowed = tx.tx_min - rx.rx_min
    if rx.rx_basis == "sensitivity":
        allowed -= rx.penalty
    return Loss(allowed)


def attenuation(kind: CableType, wavelength: Wavelength) -> tuple[float, float]:
    """Least and greatest dB/km of a cable type at a wavelength: its own figures, else those of its fibre."""
    for table in (kind.attenuation, ATTENUATION):
        near = _nearest(table, wavelength)
        if near is not None:
            return table[near]
    raise UnknownAttenuation(f"cable type {kind.id} has no attenuation at {wavelength} nm")


def _nearest(table: Iterable[Wavelength], wavelength: Wavelength) -> Wavelength | None:
    near = min(table, key=lambda nm: (abs(nm - wavelength), nm), default=None)
    return near if near is not None and abs(near - wavelength) <= ATTENUATION_REACH else None


def chain_loss(plant: Plant, chain: Trace, wavelength: Wavelength) -> LossSpan:
    """Least and greatest loss along a chain; raises UnknownAttenuation."""
    spans = [step_loss(plant, step, wavelength) for step in chain.steps]
    return LossSpan(Loss(sum(low for low, _ in spans)), Loss(sum(high for _, high in spans)))


def step_loss(plant: Plant, step: Step, wavelength: Wavelength) -> tuple[float, float]:
    """Least and greatest loss of one step of a chain, dB; raises UnknownAttenuation."""
    if step.kind is StepKind.STRAND:
        key = plant.cables[step.via].type, wavelength
        if key not in plant.attenuations:
            plant.attenuations[key] = attenuation(plant.cable_types[key[0]], wavelength)
        low, high = plant.attenuations[key]
        return low * step.length / 1000, high * step.length / 1000
    if step.kind is StepKind.SPLICE and isinstance(step.enter, StrandEnd):
        measured = plant.splice_at.loss(step.enter)
        return SPLICE if measured is None else (measured, measured)
    if step.kind is StepKind.CONNECTOR:
        return ODF_POSITION[plant.odfs[step.via].grade]
    if step.kind is StepKind.PASSIVE:
        passive = plant.passives[step.via]
        assert isinstance(step.enter, PassivePort)
        assert isinstance(step.leave, PassivePort)
        span = loss_through(passive, step.enter.port, step.leave.port, wavelength)
        if span is None:
            raise UnknownAttenuation(
                f"{passive.id} does not pass {wavelength} nm from {step.enter} to {step.leave}"
            )
        return span
    return 0.0, 0.0


def chain_dispersion(chain: Trace, wavelength: Wavelength) -> float:
    """Chromatic dispersion of the glass in a chain, ps/nm; 0 where the fibre's is not tabulated."""
    near = _nearest(DISPERSION, wavelength)
    metres = sum(step.length for step in chain.steps if step.kind is StepKind.STRAND)
    return DISPERSION[near] * metres / 1000 if near is not None else 0.0


def chain_delay(plant: Plant, chain: Trace) -> Delay:
    """One-way delay of a chain, µs: length × group index ÷ speed of light."""
    total = 0.0
    for step in chain.steps:
        index = JUMPER_INDEX
        if step.kind is StepKind.STRAND:
            index = plant.cable_types[plant.cables[step.via].type].group_index
        total += step.length * index / LIGHT
    return Delay(total)


def budget(plant: Plant, chain: Trace, tx: Transceiver, rx: Transceiver) -> DirectedBudget:
    """The budget of one direction; raises UnknownAttenuation."""
    loss = chain_loss(plant, chain, tx.wavelength)
    allowed = allowed_loss(tx, rx)
    needed = Loss(tx.tx_max - rx.rx_max)
    return DirectedBudget(
        loss=loss,
        allowed=allowed,
        margin=Loss(allowed - loss.max),
        needed=needed,
        overload=Loss(loss.min - needed),
        dispersion=chain_dispersion(chain, tx.wavelength),
        dispersion_limit=tx.dispersion_limit,
    )

"""The plant as it is on a day: what is not valid yet counts as planned, what is valid no more as abandoned.

A status says what a thing is, dates narrow when that holds. So only glass that is in service, and valid on that
day, carries traffic; what is planned stays planned on every day, until somebody says that it was built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, TypeVar

from sdnctl.inventory.life import Life
from sdnctl.inventory.models import Status
from sdnctl.inventory.plant import Plant, Switch

T = TypeVar("T")


def on_day(plant: Plant, day: date) -> Plant:
    """A plant in which the status of everything is that on `day`; ids, order and glass stay."""
    return replace(
        plant,
        sites=_all(plant.sites, day),
        chambers=_all(plant.chambers, day),
        segments=_all(plant.segments, day),
        ducts=_all(plant.ducts, day),
        cables=_all(plant.cables, day),
        closures=_all(plant.closures, day),
        odfs=_all(plant.odfs, day),
        passives=_all(plant.passives, day),
        splice_runs=tuple(_one(run, day) for run in plant.splice_runs),
        termination_runs=tuple(_one(run, day) for run in plant.termination_runs),
        jumpers=tuple(_one(jumper, day) for jumper in plant.jumpers),
        switches={key: _switch(switch, day) for key, switch in plant.switches.items()},
        devices=_all(plant.devices, day),
    )


def life_on(life: Life, day: date) -> Life:
    """A life as it is on a day; the same object where the day changes nothing."""
    if life.valid_from is not None and day < life.valid_from:
        return replace(life, status=Status.PLANNED)
    if life.valid_to is not None and day > life.valid_to:
        return replace(life, status=Status.ABANDONED)
    return life


def _all(things: Mapping[str, T], day: date) -> dict[str, T]:
    return {key: _one(thing, day) for key, thing in things.items()}


def _one(thing: T, day: date) -> T:
    written: Any = thing
    life: Life | None = written.life
    then = life_on(life, day) if life is not None else None
    changed: T = thing if then is life else replace(written, life=then)
    return changed


def _switch(switch: Switch, day: date) -> Switch:
    ports = {number: _one(port, day) for number, port in switch.ports.items()}
    return replace(_one(switch, day), ports=ports)

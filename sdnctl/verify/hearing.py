"""What may reach the controller: beacons, metered, and nothing else.

One form of rule is known: below every other rule of the first table, it sends frames of the discovery address and
of LLDP's type to the controller, through the one meter that is there for it. Such a rule takes no frame from
any demand, and reaches nobody. A switch may do without it; then its cables are not checked.
"""

from __future__ import annotations

from collections.abc import Mapping

from sdnctl.dataplane.values import (
    DISCOVERY_MAC,
    ETH_LLDP,
    METER_BASE,
    PORT_CONTROLLER,
    Action,
    Flow,
    Match,
    Meter,
    Output,
)

LOWEST = 100
"""Priority of the rule; whatever else the first table holds stands above."""
METER = Meter(METER_BASE, 256, 64)

_BEACONS = Match.of(eth_src=DISCOVERY_MAC, eth_type=ETH_LLDP)
_HEAR = (Output(PORT_CONTROLLER),)


def hears(flow: Flow, meters: Mapping[int, Meter]) -> bool:
    """Whether this is the known form."""
    return (
        flow.priority == LOWEST
        and flow.table == 0
        and flow.match == _BEACONS
        and flow.actions == _HEAR
        and flow.goto is None
        and flow.metadata is None
        and flow.meter == METER_BASE
        and meters.get(METER_BASE) == METER
    )


def to_controller(actions: tuple[Action, ...]) -> bool:
    """Whether an action list sends anything to the controller."""
    return any(type(action) is Output and action.port == PORT_CONTROLLER for action in actions)

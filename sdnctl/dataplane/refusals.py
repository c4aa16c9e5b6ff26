"""What a switch refuses when it is given a rule: the checks of Open vSwitch 3.1, with OpenFlow's error names.

Each function returns None or raises `RuleRefused`. They were tried one by one on a real Open vSwitch; what it
accepts although it cannot work (a bucket that points to an absent group, an output to a port that does
not exist) is accepted here too, and drops packets there as here.
"""

from __future__ import annotations

from collections.abc import Container

from sdnctl.dataplane.fields import ETH_MPLS_MULTICAST, PREREQUISITES, full_mask, missing_prerequisite
from sdnctl.dataplane.values import (
    ETH_MPLS,
    ETH_QINQ,
    ETH_VLAN,
    FIELDS,
    VLAN_PRESENT,
    Action,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Group,
    GroupType,
    Meter,
    Output,
    PopMpls,
    PopVlan,
    PushMpls,
    PushVlan,
    SetField,
    ToGroup,
)

TABLES = 254
MAX_GROUP = 0xFFFFFF00
MAX_METER = 262_144
"""Open vSwitch's userspace datapath."""
READ_ONLY = frozenset({"eth_type", "ip_proto", "mpls_bos"})
_MPLS = (ETH_MPLS, ETH_MPLS_MULTICAST)
_RESERVED_PORTS = range(0xFFFFFFF8, 0x100000000)


class RuleRefused(ValueError):
    """A switch would not take this rule. `error` is OpenFlow's name, the text says why in words."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(f"{reason} ({error})")
        self.error = error
        self.reason = reason


class _Known:
    """What is known of a packet while the actions of a flow are read: EtherType, IP protocol, tags.

    `ethernet` is False after an Ethernet header was taken off, until one is put on: Open vSwitch does
    not take a flow that writes addresses or tags behind a decapsulation; they are written in the next table.
    """

    def __init__(self, flow: Flow) -> None:
        self.values: dict[str, int | None] = {}
        for name in ("eth_type", "ip_proto", "icmpv6_type"):
            entry = flow.match.get(name)
            self.values[name] = entry[0] if entry is not None and entry[1] == full_mask(name) else None
        self.tags = int(bool((flow.match.get("vlan_vid") or (0, 0))[0] & VLAN_PRESENT))
        self.ethernet = True

    def set_type(self, eth_type: int | None) -> None:
        self.values = {"eth_type": eth_type, "ip_proto": None, "icmpv6_type": None}

    @property
    def mpls(self) -> bool:
        return self.values["eth_type"] in _MPLS


def check_flow(flow: Flow, groups: Container[int], meters: Container[int]) -> None:
    """Refuse a flow that Open vSwitch would refuse, given the groups and meters that exist."""
    if not 0 <= flow.table < TABLES:
        raise RuleRefused("OFPFMFC_BAD_TABLE_ID", f"there is no table {flow.table}")
    if not 0 <= flow.priority <= 0xFFFF:
        raise RuleRefused("OFPFMFC_UNKNOWN", f"priority {flow.priority} does not fit 16 bits")
    if (reason := missing_prerequisite(flow.match)) is not None:
        raise RuleRefused("OFPBMC_BAD_MASK" if reason.endswith("no mask") else "OFPBMC_BAD_PREREQ", reason)
    if flow.goto is not None and not flow.table < flow.goto < TABLES:
        raise RuleRefused(
            "OFPBIC_BAD_TABLE_ID", f"goto table {flow.goto} from table {flow.table} does not go forwards"
        )
    if flow.meter is not None and flow.meter not in meters:
        raise RuleRefused("OFPMMFC_INVALID_METER", f"meter {flow.meter} does not exist")
    known = _Known(flow)
    for action in flow.actions:
        if isinstance(action, ToGroup) and action.group not in groups:
            raise RuleRefused("OFPBAC_BAD_OUT_GROUP", f"group {action.group} does not exist")
        check_action(action)
        _check_consistency(action, known)


def check_action(action: Action) -> None:
    """Refuse an action that is wrong whatever the packet."""
    match action:
        case Output(port) if port > 0xFEFF and port not in _RESERVED_PORTS:
            raise RuleRefused("OFPBAC_BAD_OUT_PORT", f"{port} is no port number")
        case PushMpls(ethertype) if ethertype not in _MPLS:
            raise RuleRefused("OFPBAC_BAD_ARGUMENT", f"0x{ethertype:04x} is no MPLS type")
        case PushVlan(ethertype) if ethertype not in (ETH_VLAN, ETH_QINQ):
            raise RuleRefused("OFPBAC_BAD_ARGUMENT", f"0x{ethertype:04x} is no VLAN type")
        case SetField(name, value):
            if name not in FIELDS or name in READ_ONLY:
                raise RuleRefused("OFPBAC_BAD_SET_TYPE", f"{name} cannot be written")
            if not 0 <= value <= full_mask(name):
                raise RuleRefused("OFPBAC_BAD_SET_ARGUMENT", f"{value:#x} does not fit {name}")
            if name == "vlan_vid" and not value & VLAN_PRESENT:
                raise RuleRefused("OFPBAC_BAD_SET_ARGUMENT", "vlan_vid is written with the present bit")
        case _:
            pass


def _inconsistent(reason: str) -> RuleRefused:
    return RuleRefused("OFPBAC_MATCH_INCONSISTENT", reason)


def _check_consistency(action: Action, known: _Known) -> None:
    """Refuse an action whose header the match and the actions before it do not promise; note what it makes."""
    match action:
        case SetField(name, _):
            _check_set(name, known)
        case PushMpls(ethertype):
            _need_ethernet(known, "pushing a label")
            known.set_type(ethertype)
        case PopMpls(ethertype):
            _need_ethernet(known, "popping a label")
            if not known.mpls:
                raise _inconsistent("popping a label needs a match on eth_type 0x8847")
            known.set_type(ethertype)
        case DecMplsTtl() if not known.mpls:
            raise _inconsistent("decrementing the MPLS TTL needs a match on eth_type 0x8847")
        case PopVlan():
            if not known.tags:
                raise _inconsistent("popping a tag needs a match on a tag")
            known.tags -= 1
        case PushVlan():
            if known.tags >= 2:
                raise RuleRefused("OFPBAC_BAD_TAG", "a flow that knows two tags cannot push a third")
            known.tags += 1
        case Encap("mpls"):
            known.set_type(ETH_MPLS)
            known.ethernet, known.tags = False, 0
        case Encap("ethernet"):
            known.ethernet = True
        case Decap():
            known.ethernet, known.tags = False, 0
        case _:
            pass


def _need_ethernet(known: _Known, what: str) -> None:
    if not known.ethernet:
        raise _inconsistent(f"{what} behind a decapsulation is for the next table")


def _check_set(name: str, known: _Known) -> None:
    if name.startswith(("eth_", "vlan_")):
        _need_ethernet(known, f"setting {name}")
    if name.startswith("vlan_") and not known.tags:
        raise _inconsistent(f"setting {name} needs a match on a tag, or a push before")
    for needed, allowed in PREREQUISITES.get(name, ()):
        if known.values.get(needed) not in allowed:
            raise _inconsistent(f"setting {name} needs {needed} to be known")


def check_group(group: Group) -> None:
    """Refuse a group whose type and buckets do not fit."""
    if not 0 <= group.id < MAX_GROUP:
        raise RuleRefused("OFPGMFC_INVALID_GROUP", f"{group.id} is no group number")
    if group.type is GroupType.INDIRECT and len(group.buckets) != 1:
        raise RuleRefused("OFPGMFC_INVALID_GROUP", "an indirect group has exactly one bucket")
    for bucket in group.buckets:
        if group.type is GroupType.FAST_FAILOVER and bucket.watch_port is None:
            raise RuleRefused("OFPGMFC_INVALID_GROUP", "a fast-failover bucket watches a port")
        if group.type in (GroupType.INDIRECT, GroupType.ALL) and bucket.watch_port is not None:
            raise RuleRefused(
                "OFPGMFC_WATCH_UNSUPPORTED", f"a bucket of a group of type {group.type} watches no port"
            )
        for action in bucket.actions:
            check_action(action)


def check_meter(meter: Meter) -> None:
    """Refuse a meter with a number or a rate that cannot be."""
    if not 1 <= meter.id <= MAX_METER:
        raise RuleRefused("OFPMMFC_INVALID_METER", f"{meter.id} is no meter number (1 to {MAX_METER})")
    if not 0 < meter.rate <= 0xFFFFFFFF or not 0 <= meter.burst <= 0xFFFFFFFF:
        raise RuleRefused("OFPMMFC_BAD_RATE", f"rate {meter.rate} kbit/s, burst {meter.burst} kbit cannot be")

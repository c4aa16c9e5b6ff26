"""What switches report, as the API carries it: rules packed, because there are many, all else as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sdnctl.compiler.codec import decode, encode
from sdnctl.dataplane.attachment import dump_attachment, in_order, keyed, load_attachment
from sdnctl.dataplane.pack import pack, unpack
from sdnctl.dataplane.values import RuleSet
from sdnctl.errors import DeviceUnreachable, Diagnostic
from sdnctl.plan.model import Observed
from sdnctl.southbound.base import Counters, PortState
from sdnctl.southbound.fleet import Observation


def observation_document(found: Observation) -> dict[str, Any]:
    """An observation as JSON: `rules` and `others` (foreign flows) as `dataplane.pack` writes them."""
    seen = {device: one for device, one in found.rules.items() if one is not None}
    return {
        "switches": {device: _rest(one) for device, one in found.rules.items()},
        "rules": pack({device: one.rules for device, one in seen.items()}),
        "others": pack({device: RuleSet.of(one.others) for device, one in seen.items() if one.others}),
        "settings": {device: encode(one) if one is not None else None for device, one in found.settings.items()},
        "attachments": None
        if found.attachments is None
        else {device: _attached(one) for device, one in found.attachments.items()},
        "faults": {
            device: [item.to_json() for item in fault.diagnostics] for device, fault in found.faults.items()
        },
    }


def _attached(one: Observed | None) -> Any:
    if one is None or one.attachments is None:
        return None
    return {"foreign": one.foreign, "held": [dump_attachment(item) for item in in_order(one.attachments)]}


def _read_attached(data: Any) -> Observed | None:
    if data is None:
        return None
    return Observed(RuleSet(), data["foreign"], attachments=keyed(map(load_attachment, data["held"])))


def _rest(one: Observed | None) -> Any:
    return encode(replace(one, rules=RuleSet(), others=())) if one is not None else None


def read_observation(document: Mapping[str, Any]) -> Observation:
    """Read what `observation_document` made; raises ValueError where it does not fit."""
    rules, others = unpack(document["rules"]), unpack(document["others"])

    def whole(device: str, data: Any) -> Observed | None:
        if data is None:
            return None
        foreign = tuple(others[device].flows.values()) if device in others else ()
        return replace(decode(Observed, data), rules=rules[device], others=foreign)

    return Observation(
        {device: whole(device, data) for device, data in document["switches"].items()},
        {
            device: decode(Observed, data) if data is not None else None
            for device, data in document["settings"].items()
        },
        {
            device: DeviceUnreachable(*map(Diagnostic.from_json, items))
            for device, items in document["faults"].items()
        },
        attachments=None
        if document.get("attachments") is None
        else {device: _read_attached(data) for device, data in document["attachments"].items()},
    )


def counters_document(found: Mapping[str, Counters | None]) -> dict[str, Any]:
    """Counters as JSON: ports by number, flows as [table, cookie, packets]."""
    return {device: _counters(one) for device, one in found.items()}


def _counters(one: Counters | None) -> Any:
    if one is None:
        return None
    ports = {number: encode(port) for number, port in one.ports.items()}
    return {"ports": ports, "flows": [[table, cookie, packets] for (table, cookie), packets in one.flows.items()]}


def read_counters(data: Any) -> Counters | None:
    """Read the counters of one switch."""
    if data is None:
        return None
    ports = {int(number): decode(PortState, port) for number, port in data["ports"].items()}
    return Counters(ports, {(table, cookie): packets for table, cookie, packets in data["flows"]})

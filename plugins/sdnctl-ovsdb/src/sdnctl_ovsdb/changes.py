"""What has to be written so that a bridge has certain settings, as OVSDB operations; and what undoes it.

An `Image` is the state of everything a driver may touch on the ports it touches. A commit takes an image
before it writes; a revert writes that image back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sdnctl.dataplane.values import Queue, SwitchSettings
from sdnctl_ovsdb.bridge import BFD_KEYS, BFD_MARK, OWNER, Bridge, Port, Qos
from sdnctl_ovsdb.client import Operation, OvsdbClient, as_list, as_one, select, to_map, to_set


@dataclass(frozen=True, slots=True)
class PortImage:
    """BFD keys (those of `BFD_KEYS` that are set), whether they are marked as ours, and the QoS row."""

    bfd: Mapping[str, str]
    bfd_marked: bool
    qos: Qos | None


@dataclass(frozen=True, slots=True)
class Image:
    """`fail_mode` None is the empty column."""

    fail_mode: str | None
    ports: Mapping[int, PortImage]


def image_of(port: Port) -> PortImage:
    bfd = {key: port.bfd[key] for key in BFD_KEYS if key in port.bfd}
    return PortImage(bfd, port.bfd_marked, port.qos)


def take_image(bridge: Bridge, numbers: Iterable[int]) -> Image:
    """The present state of these ports (those that exist) and of the fail mode."""
    ports = {number: image_of(bridge.ports[number]) for number in sorted(numbers) if number in bridge.ports}
    return Image(bridge.fail_mode if bridge.fail_mode_set else None, ports)


def wanted_image(bridge: Bridge, settings: SwitchSettings, kind: str) -> Image:
    """What `settings` make of the bridge; None and () leave what is there. `kind`: the type of our QoS rows."""
    ports = {}
    for number, port in settings.ports.items():
        now = image_of(bridge.ports[number])
        bfd, marked, qos = now.bfd, now.bfd_marked, now.qos
        if port.bfd_interval_ms is not None:
            interval = str(port.bfd_interval_ms)
            bfd, marked = {"enable": "true", "min_tx": interval, "min_rx": interval}, True
        if port.queues:
            queues = tuple(sorted(port.queues, key=lambda queue: queue.id))
            same = qos is not None and qos.ours and (qos.queues, qos.kind) == (queues, kind)
            qos = qos if same else Qos("", True, queues, kind)
        ports[number] = PortImage(bfd, marked, qos)
    # Explicit always: an empty column is standalone too, but says that nobody decided.
    return Image(settings.fail_mode, ports)


def operations_to(bridge: Bridge, image: Image) -> list[Operation]:
    """Operations that lead from what `bridge` was read as to `image`; none where they agree.

    The first ones wait for the columns to be as they were read, so that two writers cannot mix.
    """
    checks: list[Operation] = []
    writes: list[Operation] = []
    now = bridge.fail_mode if bridge.fail_mode_set else None
    if image.fail_mode != now:
        checks.append(_unchanged("Bridge", bridge.uuid, "fail_mode", to_set([now] if now else [])))
        value = to_set([image.fail_mode] if image.fail_mode else [])
        writes.append(_update("Bridge", bridge.uuid, {"fail_mode": value}))
    for number, wanted in image.ports.items():
        port = bridge.ports.get(number)
        if port is None:
            continue  # it was taken away meanwhile, and its settings with it
        have = image_of(port)
        if (have.bfd, have.bfd_marked) != (wanted.bfd, wanted.bfd_marked):
            checks.append(_unchanged("Interface", port.interface, "bfd", to_map(port.bfd)))
            writes.append(_write_bfd(port, wanted))
        if have.qos != wanted.qos:
            old = to_set([["uuid", have.qos.uuid]] if have.qos else [])
            checks.append(_unchanged("Port", port.uuid, "qos", old))
            writes += _write_qos(bridge.name, port, wanted.qos)
    return checks + writes


def _write_bfd(port: Port, wanted: PortImage) -> Operation:
    """Our three keys only: others, such as decay_min_rx, are the operator's."""
    mutations: list[Any] = [
        ["bfd", "delete", to_set(list(BFD_KEYS))],
        ["external_ids", "delete", to_set([BFD_MARK])],
    ]
    if wanted.bfd:
        mutations.append(["bfd", "insert", to_map(wanted.bfd)])
    if wanted.bfd_marked:
        mutations.append(["external_ids", "insert", to_map({BFD_MARK: "true"})])
    return {
        "op": "mutate",
        "table": "Interface",
        "where": [["_uuid", "==", ["uuid", port.interface]]],
        "mutations": mutations,
    }


def _write_qos(bridge: str, port: Port, wanted: Qos | None) -> list[Operation]:
    """Point the port to its QoS row; one of ours is always made anew, with new queues."""
    if wanted is None or (wanted.ours and not wanted.queues):
        return [_update("Port", port.uuid, {"qos": to_set([])})]
    if not wanted.ours:
        return [_update("Port", port.uuid, {"qos": ["uuid", wanted.uuid]})]
    operations: list[Operation] = []
    references = []
    for queue in wanted.queues:
        name = f"q{port.number}_{queue.id}"
        row = {"other_config": to_map(_queue_config(queue)), "external_ids": to_map({OWNER: bridge})}
        operations.append({"op": "insert", "table": "Queue", "row": row, "uuid-name": name})
        references.append([queue.id, ["named-uuid", name]])
    qos = {
        "type": wanted.kind,
        # Said explicitly: where the link's speed is unknown, older versions assume 100 Mbit/s.
        "other_config": to_map({"max-rate": str(max(queue.max_rate for queue in wanted.queues))}),
        "queues": ["map", references],
        "external_ids": to_map({OWNER: bridge}),
    }
    operations.append({"op": "insert", "table": "QoS", "row": qos, "uuid-name": f"qos{port.number}"})
    operations.append(_update("Port", port.uuid, {"qos": ["named-uuid", f"qos{port.number}"]}))
    return operations


def _queue_config(queue: Queue) -> dict[str, str]:
    return {"min-rate": str(queue.min_rate), "max-rate": str(queue.max_rate), "priority": str(queue.priority)}


def _update(table: str, uuid: str, row: Mapping[str, Any]) -> Operation:
    return {"op": "update", "table": table, "where": [["_uuid", "==", ["uuid", uuid]]], "row": row}


def _unchanged(table: str, uuid: str, column: str, value: Any) -> Operation:
    return {
        "op": "wait",
        "timeout": 0,
        "table": table,
        "where": [["_uuid", "==", ["uuid", uuid]]],
        "columns": [column],
        "until": "==",
        "rows": [{column: value}],
    }


def sweep(client: OvsdbClient, bridge: str) -> None:
    """Delete QoS and Queue rows of ours that nothing refers to any more; rows in use anywhere stay."""
    mine = ["external_ids", "includes", to_map({OWNER: bridge})]
    qos = [as_one(row["_uuid"]) for row in client.select("QoS", [mine], ["_uuid"])]
    if qos:
        users = client.transact(*(select("Port", [["qos", "==", ["uuid", uuid]]], ["_uuid"]) for uuid in qos))
        _delete(client, "QoS", [uuid for uuid, found in zip(qos, users, strict=True) if not found["rows"]])
    queues = {as_one(row["_uuid"]) for row in client.select("Queue", [mine], ["_uuid"])}
    if queues:
        rows = client.select("QoS", [], ["queues"])
        used = {uuid for row in rows for _, value in row["queues"][1] for uuid in as_list(value)}
        _delete(client, "Queue", sorted(queues - used))


def _delete(client: OvsdbClient, table: str, uuids: list[str]) -> None:
    if uuids:
        client.transact(
            *({"op": "delete", "table": table, "where": [["_uuid", "==", ["uuid", uuid]]]} for uuid in uuids)
        )

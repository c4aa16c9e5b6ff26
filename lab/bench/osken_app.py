"""The same push as an os-ken application does it: ``python -m lab.bench.osken_app PORT COUNT`` prints the seconds.

A real application on the real framework: os-ken listens, the switch dials in, the handler of its features builds
OFPFlowMod after OFPFlowMod with the parser, sends each, and then a barrier; the handler of the barrier's reply
ends it. Arguments of the parser's classes are prepared before the clock starts. os-ken cannot send encap and decap
as they are; an output, which has as many octets, stands in for each.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from ipaddress import IPv4Address
from typing import Any

from lab.bench.flows import flows
from sdnctl.dataplane.fields import IPV4_FIELDS, MAC_FIELDS, full_mask, mac_text
from sdnctl.dataplane.values import (
    Action,
    Decap,
    DecMplsTtl,
    Encap,
    Flow,
    Output,
    PopMpls,
    SetField,
    SetQueue,
    ToGroup,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from os_ken import cfg
    from os_ken.base import app_manager
    from os_ken.controller import ofp_event
    from os_ken.controller.handler import CONFIG_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
    from os_ken.ofproto import ofproto_v1_3 as ofp
    from os_ken.ofproto import ofproto_v1_3_parser as parser

Prepared = tuple[Flow, dict[str, Any], list[tuple[type, tuple[Any, ...], dict[str, Any]]]]


def _text(name: str, value: int) -> Any:
    if name in MAC_FIELDS:
        return mac_text(value)
    return str(IPv4Address(value)) if name in IPV4_FIELDS else value


def _action(action: Action) -> tuple[type, tuple[Any, ...], dict[str, Any]]:
    match action:
        case SetField(name, value):
            return parser.OFPActionSetField, (), {name: _text(name, value)}
        case ToGroup(group):
            return parser.OFPActionGroup, (group,), {}
        case SetQueue(queue):
            return parser.OFPActionSetQueue, (queue,), {}
        case PopMpls(ethertype):
            return parser.OFPActionPopMpls, (ethertype,), {}
        case DecMplsTtl():
            return parser.OFPActionDecMplsTtl, (), {}
        case Encap() | Decap():
            return parser.OFPActionOutput, (1,), {}
        case Output(port):
            return parser.OFPActionOutput, (port,), {}
    raise NotImplementedError(action)


def prepared(flow: Flow) -> Prepared:
    """A flow, the arguments of its match, and class and arguments of its actions."""
    fields = {}
    for name, value, mask in flow.match:
        fields[name] = _text(name, value) if mask == full_mask(name) else (_text(name, value), _text(name, mask))
    actions = [_action(action) for action in flow.actions]
    if any(isinstance(action, Encap) for action in flow.actions):  # without encap there is no label to set
        actions = [item for item in actions if item[0] is not parser.OFPActionSetField] + [
            (parser.OFPActionOutput, (2,), {})
        ] * 2
    return flow, fields, actions


class Push(app_manager.OSKenApp):  # type: ignore[misc]
    """Pushes when a switch appears, prints how long it took, ends the process."""

    OFP_VERSIONS = (ofp.OFP_VERSION,)
    wanted: tuple[Prepared, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.started = 0.0

    @set_ev_cls(ofp_event.EventOFPSwitchFeatures, CONFIG_DISPATCHER)  # type: ignore[untyped-decorator]
    def features(self, event: Any) -> None:
        datapath = event.msg.datapath
        self.started = time.perf_counter()
        for flow, fields, actions in self.wanted:
            instructions = []
            if actions:
                made = [kind(*given, **named) for kind, given, named in actions]
                instructions.append(parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, made))
            if flow.metadata is not None:
                instructions.append(parser.OFPInstructionWriteMetadata(*flow.metadata))
            if flow.goto is not None:
                instructions.append(parser.OFPInstructionGotoTable(flow.goto))
            datapath.send_msg(
                parser.OFPFlowMod(
                    datapath=datapath,
                    cookie=flow.cookie,
                    table_id=flow.table,
                    command=ofp.OFPFC_ADD,
                    priority=flow.priority,
                    buffer_id=ofp.OFP_NO_BUFFER,
                    out_port=ofp.OFPP_ANY,
                    out_group=ofp.OFPG_ANY,
                    match=parser.OFPMatch(**fields),
                    instructions=instructions,
                )
            )
        datapath.send_msg(parser.OFPBarrierRequest(datapath))

    @set_ev_cls(ofp_event.EventOFPBarrierReply, [CONFIG_DISPATCHER, MAIN_DISPATCHER])  # type: ignore[untyped-decorator]
    def confirmed(self, event: Any) -> None:
        print(time.perf_counter() - self.started, flush=True)
        os._exit(0)

    @set_ev_cls(ofp_event.EventOFPErrorMsg, [CONFIG_DISPATCHER, MAIN_DISPATCHER])  # type: ignore[untyped-decorator]
    def refused(self, event: Any) -> None:
        print(
            f"refused: type {event.msg.type}, code {event.msg.code}: {event.msg.data.hex()}",
            file=sys.stderr,
            flush=True,
        )
        os._exit(1)


def main() -> None:
    port, count = int(sys.argv[1]), int(sys.argv[2])
    logging.disable(logging.CRITICAL)
    cfg.CONF(args=[], project="os_ken", prog="bench")
    cfg.CONF.set_override("ofp_tcp_listen_port", port)
    cfg.CONF.set_override("ofp_listen_host", "127.0.0.1")
    Push.wanted = tuple(prepared(flow) for flow in flows(count))
    manager = app_manager.AppManager.get_instance()
    manager.load_apps([__name__ if __name__ != "__main__" else "lab.bench.osken_app"])
    sys.modules["lab.bench.osken_app"].Push.wanted = Push.wanted
    services = manager.instantiate_apps(**manager.create_contexts())
    print("ready", flush=True)
    for service in services:
        service.wait()


if __name__ == "__main__":
    main()

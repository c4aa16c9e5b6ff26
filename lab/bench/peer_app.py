"""What sdnctl does, on another framework: ``python -m lab.bench.peer_app FRAMEWORK TASK PORT COUNT``.

Real applications on the real frameworks, os-ken (the maintained Ryu) and c65of, which have the same parser and the
same handlers: the framework listens, the switch dials in. ``push``: the handler of its features builds OFPFlowMod
after OFPFlowMod, sends each, and then a barrier; the handler of the barrier's reply ends it and prints the
seconds. Arguments of the parser's classes are prepared before the clock starts. Neither can send encap and decap
as they are; an output, which has as many octets, stands in for each. ``packetin``: a flow and a packet out for
each packet in.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Framework:
    """Where a framework has what every Ryu application uses; `run` listens on a port and never returns."""

    parser: Any
    constants: Any
    application: type
    events: Any
    handles: Callable[..., Any]
    early: Any
    late: Any
    run: Callable[[type, int], None]


def os_ken() -> Framework:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from os_ken import cfg
        from os_ken.base import app_manager
        from os_ken.controller import handler, ofp_event
        from os_ken.ofproto import ofproto_v1_3, ofproto_v1_3_parser

    def run(application: type, port: int) -> None:
        cfg.CONF(args=[], project="os_ken", prog="bench")
        cfg.CONF.set_override("ofp_tcp_listen_port", port)
        cfg.CONF.set_override("ofp_listen_host", "127.0.0.1")
        manager = app_manager.AppManager.get_instance()
        manager.load_apps([_as_module(application)])
        services = manager.instantiate_apps(**manager.create_contexts())
        print("ready", flush=True)
        for service in services:
            service.wait()

    return Framework(
        ofproto_v1_3_parser,
        ofproto_v1_3,
        app_manager.OSKenApp,
        ofp_event,
        handler.set_ev_cls,
        handler.CONFIG_DISPATCHER,
        handler.MAIN_DISPATCHER,
        run,
    )


def c65of() -> Framework:
    from c65of import app, controller, ofp_event, ofproto
    from c65of.ofproto import parser

    def run(application: type, port: int) -> None:
        listening = controller.OpenFlowController(listen_host="127.0.0.1", tcp_port=port)
        handler = controller.OFPHandler(controller=listening)
        for one in (handler, application()):
            app.APPS[one.name] = one
            one.start()
        print("ready", flush=True)
        handler.main_thread.join()

    return Framework(
        parser,
        ofproto,
        app.OFApp,
        ofp_event,
        app.set_ev_cls,
        app.CONFIG_DISPATCHER,
        app.MAIN_DISPATCHER,
        run,
    )


FRAMEWORKS = {"os-ken": os_ken, "c65of": c65of}
Kind = Callable[..., Any]
Prepared = tuple[Flow, dict[str, Any], list[tuple[Kind, tuple[Any, ...], dict[str, Any]]]]


def _as_module(application: type) -> str:
    """A module with nothing but the application in it: os-ken loads applications by the name of their module."""
    name = f"bench_{application.__name__.lower()}"
    module = type(sys)(name)
    application.__module__ = name
    setattr(module, application.__name__, application)
    sys.modules[name] = module
    return name


def _text(name: str, value: int) -> Any:
    if name in MAC_FIELDS:
        return mac_text(value)
    return str(IPv4Address(value)) if name in IPV4_FIELDS else value


def _action(parser: Any, action: Action) -> tuple[Kind, tuple[Any, ...], dict[str, Any]]:
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


def prepared(parser: Any, flow: Flow) -> Prepared:
    """A flow, the arguments of its match, and class and arguments of its actions."""
    fields = {}
    for name, value, mask in flow.match:
        fields[name] = _text(name, value) if mask == full_mask(name) else (_text(name, value), _text(name, mask))
    actions = [_action(parser, action) for action in flow.actions]
    if any(isinstance(action, Encap) for action in flow.actions):  # without encap there is no label to set
        actions = [item for item in actions if item[0] is not parser.OFPActionSetField] + [
            (parser.OFPActionOutput, (2,), {})
        ] * 2
    return flow, fields, actions


def push(kit: Framework, count: int) -> type:
    """The application that pushes when a switch appears, prints how long it took, ends the process."""
    parser, ofp, events, handles = kit.parser, kit.constants, kit.events, kit.handles
    wanted = tuple(prepared(parser, flow) for flow in flows(count))

    class Push(kit.application):  # type: ignore[name-defined,misc]
        OFP_VERSIONS = (4,)

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.started = 0.0

        @handles(events.EventOFPSwitchFeatures, kit.early)
        def features(self, event: Any) -> None:
            datapath = event.msg.datapath
            self.started = time.perf_counter()
            for flow, fields, actions in wanted:
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

        @handles(events.EventOFPBarrierReply, [kit.early, kit.late])
        def confirmed(self, event: Any) -> None:
            print(time.perf_counter() - self.started, flush=True)
            os._exit(0)

        @handles(events.EventOFPErrorMsg, [kit.early, kit.late])
        def refused(self, event: Any) -> None:
            text = f"refused: type {event.msg.type}, code {event.msg.code}: {event.msg.data.hex()}"
            print(text, file=sys.stderr, flush=True)
            os._exit(1)

    return Push


def packetin(kit: Framework, _: int) -> type:
    """The application that answers each packet with a flow for its destination, and sends it on."""
    parser, ofp, events, handles = kit.parser, kit.constants, kit.events, kit.handles

    class Forward(kit.application):  # type: ignore[name-defined,misc]
        OFP_VERSIONS = (4,)

        @handles(events.EventOFPPacketIn, kit.late)
        def packet(self, event: Any) -> None:
            message = event.msg
            datapath, port, frame = message.datapath, message.match["in_port"], message.data
            actions = [parser.OFPActionOutput(port % 8 + 1)]
            destination = ":".join(f"{octet:02x}" for octet in frame[:6])
            datapath.send_msg(
                parser.OFPFlowMod(
                    datapath=datapath,
                    priority=10,
                    buffer_id=ofp.OFP_NO_BUFFER,
                    out_port=ofp.OFPP_ANY,
                    out_group=ofp.OFPG_ANY,
                    match=parser.OFPMatch(in_port=port, eth_dst=destination),
                    instructions=[parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)],
                )
            )
            datapath.send_msg(
                parser.OFPPacketOut(
                    datapath=datapath, buffer_id=ofp.OFP_NO_BUFFER, in_port=port, actions=actions, data=frame
                )
            )

    return Forward


TASKS = {"push": push, "packetin": packetin}


def main() -> None:
    framework, task, port, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    logging.disable(logging.CRITICAL)
    kit = FRAMEWORKS[framework]()
    kit.run(TASKS[task](kit, count), port)


if __name__ == "__main__":
    main()

"""An application as an operator may have it: it wants all packets of a kind, and counts them in a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from os_ken.base import app_manager
from os_ken.controller import ofp_event
from os_ken.controller.handler import MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_3 as ofp


class Counting(app_manager.OSKenApp):  # type: ignore[misc]
    OFP_VERSIONS = (ofp.OFP_VERSION,)

    @set_ev_cls(ofp_event.EventOFPStateChange, MAIN_DISPATCHER)
    def connected(self, event: Any) -> None:
        parser = event.datapath.ofproto_parser
        actions = [parser.OFPActionOutput(ofp.OFPP_CONTROLLER, 0xFFFF)]
        event.datapath.send_msg(
            parser.OFPFlowMod(
                event.datapath,
                cookie=0xAA,
                priority=1000,
                match=parser.OFPMatch(eth_type=0x88B5),
                instructions=[parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, actions)],
            )
        )

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)
    def packet(self, event: Any) -> None:
        with Path(os.environ["OPERATORS_FILE"]).open("a") as file:
            file.write(f"{event.msg.match['in_port']}\n")

"""The application: holds the switches that dial in to os-ken or Ryu, and lets sdnctl's driver use them.

Load it beside your own applications, as ``sdnctl_ryu.app``. It installs nothing by itself, changes no role and
handles no packet: what your applications do stays theirs.
"""

from __future__ import annotations

import contextlib
import os
import socket
from typing import Any

from sdnctl_ryu.framework import DESCRIPTION, Application, cfg, handler, hub, ofp, ofp_event
from sdnctl_ryu.protocol import LINE_LIMIT, VERSION, Fault, What, load_changes, parse, reply
from sdnctl_ryu.switch import Answers, Switch, Trouble

NAME = "sdnctl"
"""Of the application, among those of the framework."""
DEFAULT_LISTEN = "/run/sdnctl/ryu.sock"
RECEIVE_SIZE = 256 * 1024

cfg.CONF.register_cli_opts(
    [cfg.StrOpt("sdnctl-listen", default=DEFAULT_LISTEN, help="socket file where sdnctl's driver is served")]
)

_ANSWERS = [
    getattr(ofp_event, f"Event{name}")
    for name in (
        "OFPSwitchFeatures",
        "OFPDescStatsReply",
        "OFPFlowStatsReply",
        "OFPGroupDescStatsReply",
        "OFPGroupFeaturesStatsReply",
        "OFPMeterConfigStatsReply",
        "OFPMeterFeaturesStatsReply",
        "OFPPortDescStatsReply",
        "OFPPortStatsReply",
        "OFPBarrierReply",
        "OFPErrorMsg",
        "OFPExperimenter",
        "ONFBundleCtrlMsg",
    )
]


class SdnctlApp(Application):  # type: ignore[misc]
    """Serves every switch of OpenFlow 1.3 that is connected."""

    OFP_VERSIONS = (ofp.OFP_VERSION,)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = NAME
        self._path: str = self.CONF.sdnctl_listen
        self._answers = Answers()
        self._switches: dict[int, Switch] = {}
        self._listening: Any = None

    def start(self) -> None:
        super().start()
        self._listening = listen(self._path)
        self.threads.append(hub.spawn(self._accept))
        self.logger.info("sdnctl's driver is served at %s", self._path)

    def stop(self) -> None:
        self.close()
        super().stop()

    def close(self) -> None:
        """Serve nobody any more; may be called twice."""
        listening, self._listening = self._listening, None
        if listening is not None:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)  # closing alone does not wake a thread that accepts
            listening.close()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._path)

    # ── the framework's side ─────────────────────────────────────────────────────────────────────

    @handler.set_ev_cls(ofp_event.EventOFPStateChange, [handler.MAIN_DISPATCHER, handler.DEAD_DISPATCHER])  # type: ignore[untyped-decorator]
    def _changed(self, event: Any) -> None:
        datapath = event.datapath
        if datapath.id is None:
            return
        if event.state == handler.MAIN_DISPATCHER:
            self._switches[datapath.id] = Switch(datapath, self._answers)
        elif (known := self._switches.get(datapath.id)) is not None and known.datapath is datapath:
            del self._switches[datapath.id]  # and not the newer connection of the same switch

    @handler.set_ev_cls(_ANSWERS, handler.MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _answered(self, event: Any) -> None:
        self._answers.arrived(event.msg)

    # ── the driver's side ────────────────────────────────────────────────────────────────────────

    def _accept(self) -> None:
        listening = self._listening
        while self._listening is not None:
            try:
                connection, _ = listening.accept()
            except OSError:
                continue  # too many open files, or closed: then there is no next round
            hub.spawn(self._serve, connection)

    def _serve(self, connection: Any) -> None:
        """One driver, until it hangs up."""
        session = Session(self._switches)
        try:
            for request in _lines(connection):
                connection.sendall(session.answer(request))
        except OSError as error:
            self.logger.debug("a driver left: %s", error)
        finally:
            connection.close()


class Session:
    """What one driver asks of one switch."""

    def __init__(self, switches: dict[int, Switch]) -> None:
        self._switches = switches
        self._switch: Switch | None = None

    def answer(self, data: bytes) -> bytes:
        """The reply to one request, whatever that is."""
        try:
            return self._answer(parse(data))
        except Trouble as trouble:
            document: dict[str, Any] = {"error": trouble.fault.value, "text": str(trouble)}
            if trouble.faults:
                document["faults"] = trouble.faults
            return reply(document, [trouble.block] if trouble.block else ())
        except (ValueError, TypeError, KeyError) as error:
            return reply({"error": Fault.BAD_REQUEST.value, "text": f"{type(error).__name__}: {error}"})

    def _answer(self, request: dict[str, Any]) -> bytes:
        what = request["do"]
        if what == "hello":
            return self._hello(int(request["version"]), int(request["dpid"]))
        if self._switch is None:
            raise ValueError("a connection begins with hello")
        if what == "read":
            return reply({}, self._switch.read(What(request["what"]), request))
        if what not in ("write", "probe"):
            raise ValueError(f"unknown request {what!r}")
        bundle = request["bundle"]
        errors = self._switch.write(
            load_changes(request["changes"]), None if bundle is None else int(bundle), keep=what == "write"
        )
        return reply({"errors": [[index, body.hex()] for index, body in errors]})

    def _hello(self, version: int, dpid: int) -> bytes:
        if version != VERSION:
            raise ValueError(f"the driver speaks version {version}, the application {VERSION}")
        switch = self._switches.get(dpid)
        if switch is None or switch.gone:
            there = ", ".join(f"{number:#x}" for number, one in sorted(self._switches.items()) if not one.gone)
            raise Trouble(Fault.ABSENT, f"connected are {there or 'none'}")
        self._switch = switch
        return reply({"framework": DESCRIPTION, "peer": _peer(switch.datapath.address)})


def _peer(address: Any) -> str:
    return f"{address[0]}:{address[1]}" if isinstance(address, tuple) else str(address)


def _lines(connection: Any) -> Any:
    """Requests as they come in; ends with the connection, or with a line that does not end."""
    buffer = bytearray()
    while data := connection.recv(RECEIVE_SIZE):
        start = len(buffer)
        buffer += data
        while (end := buffer.find(b"\n", start)) >= 0:
            yield bytes(buffer[:end])
            del buffer[: end + 1]
            start = 0
        if len(buffer) > LINE_LIMIT:
            return


def listen(path: str) -> Any:
    """A listening socket in the file system that only this user may open.

    A file that a crashed application left is replaced. Raises OSError when another one listens there.
    """
    if os.path.exists(path):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            try:
                probe.connect(path)
            except ConnectionRefusedError:
                os.unlink(path)
            else:
                raise OSError(f"another application already serves {path}")
    before = os.umask(0o177)  # nobody may connect in the moment before a chmod
    try:
        return hub.listen(path, family=socket.AF_UNIX)
    finally:
        os.umask(before)

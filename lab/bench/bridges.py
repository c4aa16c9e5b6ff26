"""Bridges to measure on: one real Open vSwitch of our own, a fresh bridge for every run, counted afterwards."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Self

from lab.bench.flows import GROUPS, PORTS
from sdnctl.dataplane.text import format_flow, format_group
from sdnctl.dataplane.values import Flow

sys.path.append(str(Path(__file__).parent.parent.parent / "tests"))
from ovs_fixture import PrivateSwitch


class Bridges:
    """A context manager: an instance of Open vSwitch with a dummy datapath, which needs no rights."""

    def __init__(self) -> None:
        self._switch = PrivateSwitch()
        self._numbers = count(1)

    def __enter__(self) -> Self:
        self._switch.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._switch.__exit__(None, None, None)

    @contextmanager
    def fresh(self, controller: int | None = None) -> Iterator[Bridge]:
        """A bridge with ports and groups, and no flow; gone afterwards with everything on it.

        With a `controller` it keeps trying to connect to that TCP port of this machine. (Open vSwitch empties a
        bridge when it gets its first controller, so that comes first.)
        """
        number = next(self._numbers)
        name = f"b{number}"
        self._switch.add_bridge(name, number, tuple(range(1, PORTS + 1)))
        try:
            if controller is not None:
                options = {"max_backoff": "1000"}
                self._switch.set_controller(name, f"tcp:127.0.0.1:{controller}", options=options)
            bridge = Bridge(self._switch, name, number)
            self._switch.ofctl(
                "add-groups", name, "-", stdin="".join(f"{format_group(item)}\n" for item in GROUPS)
            )
            yield bridge
        finally:
            self._switch.vsctl("--timeout=60", "del-br", name)

    @contextmanager
    def many(self, count: int) -> Iterator[dict[str, dict[str, str]]]:
        """So many empty bridges at once; device → driver → address, as a lab gives them."""
        numbers = [next(self._numbers) for _ in range(count)]
        for number in numbers:
            self._switch.add_bridge(f"b{number}", number, tuple(range(1, PORTS + 1)))
        database = f"unix:{self._switch.folder}/db.sock"
        try:
            yield {
                f"b{number}": {
                    "openflow": self._switch.management(f"b{number}"),
                    "ovsdb": f"{database}#b{number}",
                }
                for number in numbers
            }
        finally:
            for number in numbers:
                self._switch.vsctl("--timeout=60", "--if-exists", "del-br", f"b{number}")

    @contextmanager
    def dialling(self, count: int, port: int) -> Iterator[list[int]]:
        """So many bridges that dial in to a TCP port of this machine, made at once; their datapath ids."""
        dpids = list(range(1, count + 1))
        command: list[str] = []
        for dpid in dpids:
            name = f"d{dpid}"
            command += ["--", "add-br", name, "--", "set", "bridge", name, "datapath_type=dummy"]
            command += ["fail_mode=secure", "protocols=OpenFlow13", f"other_config:datapath-id={dpid:016x}"]
            command += ["--", "set-controller", name, f"tcp:127.0.0.1:{port}"]
            command += ["--", "set", "controller", name, "max_backoff=1000"]
        self._switch.vsctl("--timeout=120", *command[1:])
        try:
            yield dpids
        finally:
            gone = [part for dpid in dpids for part in ("--", "--if-exists", "del-br", f"d{dpid}")]
            self._switch.vsctl("--timeout=120", *gone[1:])


class Bridge:
    """One bridge: where it listens, what ``ovs-ofctl`` says about it."""

    def __init__(self, switch: PrivateSwitch, name: str, dpid: int) -> None:
        self._switch, self.name, self.dpid = switch, name, dpid
        self.address = switch.management(name)

    def computing(self) -> float:
        """CPU seconds of the switch daemon so far, all its threads, in steps of a clock tick."""
        assert self._switch.daemon is not None
        stat = Path(f"/proc/{self._switch.daemon.pid}/stat").read_text()
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")

    def count(self) -> int:
        """Flows on the bridge, as ``ovs-ofctl`` counts them."""
        found = re.search(r"flow_count=(\d+)", self._switch.ofctl("dump-aggregate", self.name))
        assert found is not None
        return int(found[1])

    def expect(self, wanted: int) -> None:
        """Raise unless the bridge holds so many flows: a push that lost one is not fast but wrong."""
        held = self.count()
        if held != wanted:
            raise AssertionError(f"{wanted} flows were pushed, the switch holds {held}")


@contextmanager
def flow_file(flows: Sequence[Flow]) -> Iterator[str]:
    """The flows in the words of ``ovs-ofctl``, in a file that is gone afterwards."""
    with tempfile.NamedTemporaryFile("w", suffix=".flows") as file:
        file.writelines(f"{format_flow(flow)}\n" for flow in flows)
        file.flush()
        yield file.name

"""A network of sdnctl in Mininet: `mn --custom lab/mininet_topo.py --topo sdnctl,FILE --controller remote`.

FILE is what `sdnctl export mininet` wrote. Only Mininet and the standard library are used, because `mn` runs with
the system's Python. Nodes bring their classes along, so neither `--switch` nor `--host` is needed, and
`--link tc,bw=10` works as ever. Beside Mininet's own commands there are

    mininet> traffic                                        ping between all hosts that are to reach each other
    mininet> traffic flood-sensors seconds=5 cut=core-a--pop-north      of an application, a cut in the middle
    mininet> cut core-a--pop-north
    mininet> heal core-a--pop-north

and `--test traffic`, which ends with exit code 1 when a pair got no answer. `docs/mininet.md` has examples.
"""

# `mn` takes every name of this file over as one of its own: there are few, and none that it uses otherwise.
import json
import re
import subprocess
import sys
import time

import mininet.cli
from mininet.node import Host, OVSSwitch
from mininet.topo import Topo

SDNCTL_FORMAT = 1
SDNCTL_PING_EVERY = 0.05  # seconds between two packets of a pair


class SdnctlSwitch(OVSSwitch):
    """A bridge of the userspace datapath, which needs no kernel module; it drops all until told otherwise."""

    def __init__(self, name, mtus=(), **params):
        self.mtus = mtus
        self.alone = False
        versions = "OpenFlow13,OpenFlow14,OpenFlow15"
        OVSSwitch.__init__(
            self, name, **{"failMode": "secure", **params, "datapath": "user", "protocols": versions}
        )

    @classmethod
    def setup(cls):
        OVSSwitch.setup()
        # Before the first flow: it decides how many tags of a customer's frame are parsed.
        limit = "other_config:vlan-limit=2"
        subprocess.run(["ovs-vsctl", "--no-wait", "set", "Open_vSwitch", ".", limit], check=True)

    def start(self, controllers):
        self.alone = not controllers
        self.cmd("; ".join(f"ip link set {interface} mtu {mtu}" for interface, mtu in self.mtus))
        OVSSwitch.start(self, controllers)

    def connected(self):
        return self.alone or OVSSwitch.connected(self)  # nobody to wait for


class SdnctlAccess(SdnctlSwitch):
    """Stands between a switch port and the hosts behind it: a learning bridge that puts on the tags of each."""

    def __init__(self, name, tags=(), **params):
        self.tags = dict(tags)
        SdnctlSwitch.__init__(self, name, **{**params, "failMode": "standalone", "listenPort": None})

    def start(self, controllers):
        SdnctlSwitch.start(self, [])

    def intfOpts(self, intf):  # noqa: N802 (the name is Mininet's)
        tag = self.tags.get(str(intf))
        return OVSSwitch.intfOpts(self, intf) + ("" if tag is None else f" -- set Port {intf} tag={tag}")


class SdnctlHost(Host):
    """A host with the addresses of an endpoint, and a route to each of those that it is to reach."""

    def config(self, addresses=(), routes=(), mtu=1500, **params):
        result = Host.config(self, **params)
        port = self.defaultIntf()
        # A host leaves checksums to its hardware, and here is none.
        lines = [f"ip link set {port} mtu {mtu}", f"ethtool -K {port} tx off"]
        if not any(":" in own for own in addresses):
            lines.append("sysctl -qw net.ipv6.conf.all.disable_ipv6=1")  # nothing is sent that nobody asked for
        lines += [f"ip addr add {own} dev {port}{' nodad' if ':' in own else ''}" for own in addresses]
        lines += [f"ip route add {one['to']} dev {port} src {one['from']}" for one in routes]
        self.cmd("; ".join(f"{line} >/dev/null" for line in lines))
        return result


class SdnctlTopo(Topo):
    """What a file says; port numbers are those of the compiled rules."""

    def build(self, file="", **_others):
        self.sdnctl = sdnctl_read(file)
        mtus = {}
        for link in self.sdnctl["links"]:
            for end in (link["a"], link["b"]):
                mtus.setdefault(end["switch"], []).append((end["interface"], link["mtu"]))
        plugged = [*self.sdnctl["hosts"], *self.sdnctl["access"]]
        for at in (one["at"] for one in plugged if one["at"]):
            mtus.setdefault(at["switch"], []).append((at["interface"], at["mtu"]))
        for switch in self.sdnctl["switches"]:
            name = switch["name"]
            self.addSwitch(name, cls=SdnctlSwitch, dpid=switch["dpid"], mtus=mtus.get(name, ()))
        for link in self.sdnctl["links"]:
            a, b = link["a"], link["b"]
            names = {"intfName1": a["interface"], "intfName2": b["interface"]}
            self.addLink(a["switch"], b["switch"], port1=a["port"], port2=b["port"], **names)
        for host in self.sdnctl["hosts"]:
            own = {key: host[key] for key in ("addresses", "routes", "mtu", "mac")}
            self.addHost(host["name"], cls=SdnctlHost, ip=None, **own)
            if host["at"]:
                self._plug(host["name"], 0, host["at"], intfName1="eth0")
        for number, access in enumerate(self.sdnctl["access"], start=1):
            self._access(access, number)

    def _plug(self, name, port, at, **more):
        self.addLink(name, at["switch"], port1=port, port2=at["port"], intfName2=at["interface"], **more)

    def _access(self, access, number):
        name, hosts = access["name"], access["hosts"]
        tags = [(f"{name}-eth{port}", host["vlan"]) for port, host in enumerate(hosts, start=2)]
        mtus = [(f"{name}-eth{port}", access["at"]["mtu"]) for port in range(1, len(hosts) + 2)]
        dpid = f"acce55{number:010x}"  # of no switch: nobody controls it
        tagged = [(interface, tag) for interface, tag in tags if tag is not None]
        self.addSwitch(name, cls=SdnctlAccess, dpid=dpid, tags=tagged, mtus=mtus)
        self._plug(name, 1, access["at"])
        for port, host in enumerate(hosts, start=2):
            self.addLink(host["name"], name, port1=0, port2=port, intfName1="eth0")


class CLI(mininet.cli.CLI):
    """Mininet's command line, with the words of sdnctl for cables and traffic."""

    def do_traffic(self, line):
        """Ping between hosts that are to reach each other: traffic [APPLICATION …] [seconds=N] [cut=LINK]."""
        words = line.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        chosen = [word for word in words if "=" not in word]
        try:
            sdnctl_traffic(self.mn, chosen, float(options.get("seconds", 1)), options.get("cut", ""))
        except (KeyError, ValueError) as wrong:
            mininet.cli.error(f"*** {wrong}\n")

    def do_cut(self, line):
        """Cut a cable, both ends at once: cut LINK."""
        self._set(line, "down")

    def do_heal(self, line):
        """Mend a cable that was cut: heal LINK."""
        self._set(line, "up")

    def _set(self, line, state):
        try:
            sdnctl_set_link(self.mn, line.strip(), state)
        except KeyError as wrong:
            mininet.cli.error(f"*** {wrong}\n")


def sdnctl_read(file):
    """The document of a file; ends the program with a sentence when it is none."""
    try:
        with open(file, encoding="utf-8") as opened:
            found = json.load(opened)
        if found["sdnctl"] != "mininet" or found["format"] != SDNCTL_FORMAT:
            raise ValueError(f"it has format {found['format']}, this program reads {SDNCTL_FORMAT}")
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        sys.exit(f"{file or '--topo sdnctl,FILE'}: not a file of `sdnctl export mininet`: {wrong}")
    return found


def sdnctl_set_link(net, name, state):
    """Take both ends of a cable up or down; KeyError when there is none of this name."""
    link = next((one for one in net.topo.sdnctl["links"] if one["link"] == name), None)
    if link is None:
        raise KeyError(f"there is no link {name!r}")
    ends = [link["a"], link["b"]]
    net[ends[0]["switch"]].cmd("; ".join(f"ip link set {end['interface']} {state}" for end in ends))


def sdnctl_traffic(net, applications=(), seconds=1.0, cut=""):
    """Ping between all pairs at once, say what each application lost; returns how many pairs got no answer."""
    known = {one["application"] for one in net.topo.sdnctl["traffic"]}
    if not known.issuperset(applications):
        raise KeyError(f"there are the applications {', '.join(sorted(known))}")
    pairs = [one for one in net.topo.sdnctl["traffic"] if not applications or one["application"] in applications]
    count = max(2, round(seconds / SDNCTL_PING_EVERY))
    running = []
    for one in pairs:
        # Into the host's network alone: Mininet's popen enters its mounts, too, and so leaves a chroot.
        words = f"nsenter -t {net[one['from']].pid} -n ping -n -q -i {SDNCTL_PING_EVERY} -c {count} -W 1"
        words = [*words.split(), "-I", one["source"], one["target"]]
        running.append((one, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)))
    if cut:
        time.sleep(seconds / 2)
        sdnctl_set_link(net, cut, "down")
    tallies = {}
    for one, ping in running:
        said = ping.communicate()[0].decode(errors="replace")
        numbers = re.search(r"(\d+) packets transmitted, (\d+) received", said)
        sent, received = (int(numbers[1]), int(numbers[2])) if numbers else (count, 0)
        if not received:
            mininet.cli.output(f"*** no answer: {one['demand']} ({one['source']} to {one['target']})\n")
        tally = tallies.setdefault((one["application"], one["class"]), [0, 0, 0, 0])
        for index, number in enumerate((1, sent, received, not received)):
            tally[index] += number
    for (name, service_class), (many, sent, received, silent) in sorted(tallies.items()):
        lost = f"{sent - received} lost, {silent} of {many} pairs silent"
        mininet.cli.output(f"{name} ({service_class}): {many} pairs, {sent} sent, {received} answered, {lost}\n")
    return sum(tally[3] for tally in tallies.values())


def sdnctl_test(net):
    """`--test traffic`: exit code 1 when a pair got no answer; what Mininet made is gone then too."""
    if sdnctl_traffic(net):
        net.stop()
        sys.exit(1)


topos = {"sdnctl": SdnctlTopo}
tests = {"traffic": sdnctl_test}

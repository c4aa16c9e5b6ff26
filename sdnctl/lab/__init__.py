"""Labs: a topology brought up as running switches, on Open vSwitch or in memory, to cut, heal and probe.

lab = up(folder, topology, endpoints, kind="auto")
lab.targets()                       where drivers find the switches
lab.cut(["L1"]); lab.heal(["L1"])
with lab.prober() as prober: ...    raw frames from and to the hosts
down(folder)
"""

from sdnctl.lab.base import Lab
from sdnctl.lab.manage import down, obstacle, open_lab, up
from sdnctl.lab.wire import Arrival, Prober, Wire

__all__ = ["Arrival", "Lab", "Prober", "Wire", "down", "obstacle", "open_lab", "up"]

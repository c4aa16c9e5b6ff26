"""A simulator of an Arista switch behind eAPI, for tests and labs without one.

It is our own reading of the manuals: it proves the driver's code path and says nothing about a vendor's software.
"""

from sdnctl_napalm.simulator.device import Fault, SimulatedEos
from sdnctl_napalm.simulator.server import EapiServer

__all__ = ["EapiServer", "Fault", "SimulatedEos"]

"""What the network says of itself, held against the inventory: values in, findings out, no reading."""

from __future__ import annotations

from sdnctl.inventory.live.expected import Expected as Expected
from sdnctl.inventory.live.expected import expect as expect
from sdnctl.inventory.live.findings import Finding as Finding
from sdnctl.inventory.live.findings import Weight as Weight
from sdnctl.inventory.live.judge import judge as judge
from sdnctl.inventory.live.readings import Place as Place
from sdnctl.inventory.live.readings import Reading as Reading
from sdnctl.inventory.live.readings import Readings as Readings

"""A cut that no port notices: the light is on, and nothing arrives. By nftables on both ends of a cable."""

from __future__ import annotations

import subprocess

from ovs_fixture import tool

from sdnctl.lab.ovslab import OvsLab

TABLE = "sdnctl_silent"


def silence(lab: OvsLab, *links: str) -> None:
    """From now on neither end of these cables hears anything, while both see light."""
    chains = "".join(
        f'chain c{number} {{ type filter hook egress device "{name}" priority 0; policy drop; }}\n'
        for number, name in enumerate(name for link in links for name in lab.cable(link))
    )
    _nft(lab, f"table netdev {TABLE} {{\n{chains}}}\n")


def restore(lab: OvsLab) -> None:
    """All cables carry again."""
    _nft(lab, f"add table netdev {TABLE}\ndelete table netdev {TABLE}\n")


def found(lab: OvsLab, *links: str) -> bool:
    """Whether BFD is up at both ends of these cables."""
    control = str(lab.run_dir / "ovs-vswitchd.ctl")
    for name in (name for link in links for name in lab.cable(link)):
        command = [tool("ovs-appctl"), "-t", control, "bfd/show", name]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        if text.count("Session State: up") != 2:
            return False
    return True


def _nft(lab: OvsLab, script: str) -> None:
    command = [tool("ip"), "netns", "exec", lab.namespace, tool("nft"), "-f", "-"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

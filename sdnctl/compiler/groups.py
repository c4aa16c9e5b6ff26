"""Which group a hop of a trunk uses: bare, link or node, by the trunk's grade and the bypasses there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sdnctl.compiler.ir import Bypass, Trunk
from sdnctl.intents.demand import Grade
from sdnctl.topology.graph import Hop, Path

STANDBY = "!standby"
"""What stands behind a trunk's key where its standby path is meant."""


@dataclass(frozen=True, slots=True)
class HopGroup:
    """The group of one directed hop; `bypass` is what its second bucket does, None for a bare group.

    `key` names it across compilations: ``bare:LINK:TAIL>HEAD``, ``link:…``, ``node:LINK:TAIL>HEAD>NEXT``.
    """

    key: str
    hop: Hop
    bypass: Bypass | None


def trunk_group_key(trunk: str) -> str:
    """Key of the group that decides which label a trunk carries."""
    return f"trunk:{trunk}"


def bare_group(hop: Hop) -> HopGroup:
    return HopGroup(f"bare:{hop.link}:{hop.tail}>{hop.head}", hop, None)


def trunk_hops(trunk: Trunk, path: Path, bypasses: Mapping[str, Bypass]) -> tuple[HopGroup, ...]:
    """One group per hop of a trunk's path, or of its standby."""
    return hop_groups(path, trunk.grade, bypasses, trunk.key + STANDBY if path is trunk.standby else trunk.key)


def hop_groups(
    path: Path, grade: Grade, bypasses: Mapping[str, Bypass], user: str | None = None
) -> tuple[HopGroup, ...]:
    """One group per hop of a path.

    `bypasses` is by bypass key; only those that `user` may take count (None: all of them). Grade `node` goes
    round the next switch wherever there is one to go round and the bypass exists, else round the link; a hop for
    which there is no bypass (the `protect` pass says why) is bare.
    """
    return tuple(_hop_group(path, index, grade, bypasses, user) for index in range(len(path.hops)))


def _hop_group(path: Path, index: int, grade: Grade, bypasses: Mapping[str, Bypass], user: str | None) -> HopGroup:
    hop = path.hops[index]
    name = f"{hop.link}:{hop.tail}>{hop.head}"
    if grade is Grade.NODE and index + 1 < len(path.hops):
        round_node = f"{name}>{path.hops[index + 1].head}"
        if may_take(bypasses.get(round_node), user):
            return HopGroup(f"node:{round_node}", hop, bypasses[round_node])
    if grade is not Grade.NONE and may_take(bypasses.get(name), user):
        return HopGroup(f"link:{name}", hop, bypasses[name])
    return bare_group(hop)


def may_take(bypass: Bypass | None, user: str | None) -> bool:
    """Whether a trunk (or standby) may be repaired by this bypass."""
    return bypass is not None and (user is None or bypass.users is None or user in bypass.users)


def trunk_paths(trunk: Trunk) -> tuple[tuple[int, Path], ...]:
    """Label and path of a trunk, and of its standby where it has one."""
    if trunk.standby is None or trunk.standby_label is None:
        return ((trunk.label, trunk.path),)
    return (trunk.label, trunk.path), (trunk.standby_label, trunk.standby)


def active(trunk: Trunk) -> tuple[int, Path]:
    """The label and path that carry the trunk's traffic now."""
    return trunk_paths(trunk)[-1] if trunk.flipped else (trunk.label, trunk.path)

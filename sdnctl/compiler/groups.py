"""Which group a hop of a trunk uses: bare, link or node, by the trunk's grade and the bypasses there are."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sdnctl.compiler.ir import Bypass, Trunk
from sdnctl.intents.demand import Grade
from sdnctl.quick import quick
from sdnctl.topology.graph import Hop, Path

STANDBY = "!standby"
"""What stands behind a trunk's key where its standby path is meant."""


@quick
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


def trunk_hops(trunk: Trunk, path: Path, bypasses: Mapping[str, Bypass]) -> tuple[HopGroup, ...]:
    """One group per hop of a trunk's path, or of its standby (for one question; else keep a `HopGroups`)."""
    return hop_groups(path, trunk.grade, bypasses, _user(trunk, path))


def hop_groups(
    path: Path, grade: Grade, bypasses: Mapping[str, Bypass], user: str | None = None
) -> tuple[HopGroup, ...]:
    """One group per hop of a path.

    `bypasses` is by bypass key; only those that `user` may take count (None: all of them). Grade `node` goes
    round the next switch wherever there is one to go round and the bypass exists, else round the link; a hop for
    which there is no bypass (the `protect` pass says why) is bare.
    """
    return HopGroups(bypasses, once=True).hops(path, grade, user)


def _user(trunk: Trunk, path: Path) -> str:
    return trunk.key + STANDBY if path is trunk.standby else trunk.key


class HopGroups:
    """The groups of many paths; equal ones are one object, so that there is one per group and not per trunk."""

    def __init__(self, bypasses: Mapping[str, Bypass], *, once: bool = False) -> None:
        self.bypasses = bypasses
        self._once = once
        self._users: dict[str, Collection[str] | None] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._made: dict[str, HopGroup] = {}

    def of(self, trunk: Trunk) -> tuple[tuple[HopGroup, ...], ...]:
        """One group per hop of a trunk's path, and of its standby where it has one."""
        return tuple(self.hops(path, trunk.grade, _user(trunk, path)) for _, path in trunk_paths(trunk))

    def hops(self, path: Path, grade: Grade, user: str | None) -> tuple[HopGroup, ...]:
        """What `hop_groups` says."""
        hops = path.hops
        if grade is Grade.NONE:
            return tuple([self._group("bare:" + self._name(hop), hop, None) for hop in hops])
        found = []
        for index, hop in enumerate(hops):
            name = self._name(hop)
            if grade is Grade.NODE and index + 1 < len(hops):
                round_node = f"{name}>{hops[index + 1].head}"
                if self._may(user, round_node):
                    found.append(self._group("node:" + round_node, hop, self.bypasses[round_node]))
                    continue
            if self._may(user, name):
                found.append(self._group("link:" + name, hop, self.bypasses[name]))
            else:
                found.append(self._group("bare:" + name, hop, None))
        return tuple(found)

    def _name(self, hop: Hop) -> str:
        at = (hop.link, hop.tail)
        name = self._names.get(at)
        if name is None:
            name = self._names[at] = f"{hop.link}:{hop.tail}>{hop.head}"
        return name

    def _group(self, key: str, hop: Hop, bypass: Bypass | None) -> HopGroup:
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = HopGroup(key, hop, bypass)
        return made

    def _may(self, user: str | None, key: str) -> bool:
        """Whether a trunk (or standby) may be repaired by the bypass of this key, if there is one."""
        bypass = self.bypasses.get(key)
        if bypass is None:
            return False
        if user is None or bypass.users is None:
            return True
        if self._once:
            return user in bypass.users
        users = self._users.get(key)
        if users is None:
            users = self._users[key] = frozenset(bypass.users)
        return user in users


def trunk_paths(trunk: Trunk) -> tuple[tuple[int, Path], ...]:
    """Label and path of a trunk, and of its standby where it has one."""
    if trunk.standby is None or trunk.standby_label is None:
        return ((trunk.label, trunk.path),)
    return (trunk.label, trunk.path), (trunk.standby_label, trunk.standby)


def active(trunk: Trunk) -> tuple[int, Path]:
    """The label and path that carry the trunk's traffic now."""
    return trunk_paths(trunk)[-1] if trunk.flipped else (trunk.label, trunk.path)

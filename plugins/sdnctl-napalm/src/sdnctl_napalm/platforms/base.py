"""What the driver asks of a platform, and what a configuration holds once it has been read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from sdnctl.dataplane.attachment import Attachment, AttachmentKey, Attachments
from sdnctl.errors import Diagnostic


@dataclass(frozen=True, slots=True)
class Held:
    """One configuration, read.

    `stanzas`: what is ours, by the number that it carries (the tag it was made with); `numbers`: of each
    attachment. `claimed`: ports that are set up for attachments by us. `foreign`: port → somebody else's lines on
    it; `tags`: VLAN → what else uses it. `rest`: every line that is not ours, for telling whether it stayed as it
    was. `ports`: those that exist; `routed`: those that can carry attachments' VLANs.
    """

    attachments: Attachments
    numbers: Mapping[AttachmentKey, int]
    stanzas: Mapping[int, tuple[str, ...]]
    claimed: frozenset[str]
    foreign: Mapping[str, tuple[str, ...]]
    tags: Mapping[int, str]
    rest: tuple[str, ...]
    ports: frozenset[str]
    routed: frozenset[str]


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's work on the configuration that is not finished; `left` are seconds until it takes itself back."""

    name: str
    left: int | None = None


class Platform(Protocol):
    """One platform. `name` is NAPALM's and that of the folder of templates."""

    name: ClassVar[str]

    def read(self, text: str) -> Held:
        """What a configuration holds; raises ValueError with the number of the line that cannot be read."""
        ...

    def check(
        self, device: str, held: Held, wanted: Iterable[Attachment], kept: Iterable[Attachment]
    ) -> list[Diagnostic]:
        """Everything that stands against making these attachments beside those that stay as they are."""
        ...

    def name_session(self, napalm: Any, name: str | None) -> None:
        """Let the next candidate have this name, where the platform names them; None: there is no candidate."""
        ...

    def sessions(self, napalm: Any) -> list[Session]:
        """Unfinished work on the device's configuration, ours included."""
        ...

    def abort(self, napalm: Any, session: str) -> None:
        """Give up a candidate that an earlier connection left."""
        ...

    def failed_line(self, message: str) -> int | None:
        """Which line of the candidate (from 0) the device's message is about, if it says."""
        ...

"""What is loaded into a device's candidate so that it holds certain attachments, line by line with whose it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

from sdnctl.dataplane.attachment import Attachment, AttachmentKey, Attachments
from sdnctl.plan.model import AttachmentChange, Op
from sdnctl_napalm.platforms.base import Held


@dataclass(frozen=True, slots=True)
class Line:
    """One command, and the attachment that it is for."""

    text: str
    attachment: Attachment | None = None


def wanted_after(held: Attachments, changes: Sequence[AttachmentChange]) -> dict[AttachmentKey, Attachment]:
    """What should be held when these changes are made in turn; deleting what is gone changes nothing."""
    wanted = dict(held)
    for change in changes:
        if change.before is not None and change.before.key != change.attachment.key:
            wanted.pop(change.before.key, None)
        if change.op is Op.DELETE:
            wanted.pop(change.attachment.key, None)
        else:
            wanted[change.attachment.key] = change.attachment
    return wanted


def changed(held: Attachments, wanted: Attachments) -> tuple[AttachmentKey, ...]:
    """Keys under which something else is wanted than is held."""
    return tuple(key for key in {**held, **wanted} if held.get(key) != wanted.get(key))


def lines_to(platform: str, held: Held, wanted: Mapping[AttachmentKey, Attachment]) -> list[Line]:
    """The candidate that leads from what is held to what is wanted: first what goes, then what comes."""
    keys = changed(held.attachments, wanted)
    made = [wanted[key] for key in keys if key in wanted]
    numbers = {held.numbers[key]: held.attachments[key] for key in keys if key in held.numbers}
    for attachment in made:  # leftovers under a number that is taken into use again
        numbers.setdefault(attachment.tag, attachment)
    lines: list[Line] = []
    for number, attachment in numbers.items():
        if stanzas := held.stanzas.get(number):
            lines += _render(platform, "detach", attachment, stanzas=stanzas)
    used = {attachment.port for attachment in wanted.values()}
    for port in sorted(held.claimed - used):
        lines += _render(platform, "release", None, port=port)
    for port in sorted({attachment.port for attachment in made} - held.claimed):
        first = next(attachment for attachment in made if attachment.port == port)
        lines += _render(platform, "claim", first, port=port)
    for attachment in made:
        values = {**asdict(attachment), "description": attachment.description}
        lines += _render(platform, "attach", attachment, **values)
    return lines


def _render(platform: str, template: str, attachment: Attachment | None, **values: object) -> list[Line]:
    text = _environment().get_template(f"{platform}/{template}.j2").render(values)
    return [Line(line.strip(), attachment) for line in text.splitlines() if line.strip()]


@cache
def _environment() -> Environment:
    """Plain text for devices, not for browsers: nothing is escaped, and `Platform.check` comes before."""
    return Environment(
        loader=PackageLoader("sdnctl_napalm"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

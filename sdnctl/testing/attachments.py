"""Changes of attachments, and what a device holds of them, as tests of drivers write them."""

from __future__ import annotations

from sdnctl.dataplane.attachment import Attachment, AttachmentKey
from sdnctl.plan.model import AttachmentChange, Op
from sdnctl.southbound.base import Driver

Held = dict[AttachmentKey, Attachment]


def adds(*attachments: Attachment) -> list[AttachmentChange]:
    """Additions in the given order."""
    return [AttachmentChange(Op.ADD, attachment) for attachment in attachments]


def deletes(*attachments: Attachment) -> list[AttachmentChange]:
    """Deletions in the given order."""
    return [AttachmentChange(Op.DELETE, attachment, before=attachment) for attachment in attachments]


def modify(before: Attachment, after: Attachment) -> AttachmentChange:
    return AttachmentChange(Op.MODIFY, after, before=before)


def keyed(*attachments: Attachment) -> Held:
    return {attachment.key: attachment for attachment in attachments}


async def observed(driver: Driver) -> Held:
    """What the device holds of ours, as the driver reads it."""
    found = await driver.observe()
    assert found.attachments is not None, "a driver of attachments reports attachments"
    assert len(found.rules) == 0
    return dict(found.attachments)


async def keep(driver: Driver, *changes: AttachmentChange) -> None:
    """Commit and confirm."""
    await driver.commit(changes)
    await driver.confirm()

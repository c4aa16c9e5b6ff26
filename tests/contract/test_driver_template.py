"""The driver to start from passes the contract, against a simulator; and the guide shows it as it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from box_device import PASSWORD, BoxDevice

from lab.examples.driver import box
from sdnctl.testing.contract_attachments import AttachmentDriverContract
from sdnctl.testing.device import AttachmentDevice

TEMPLATE = Path(box.__file__)


class TestTemplateOnSimulator(AttachmentDriverContract):
    driver = box.BoxDriver

    @pytest.fixture
    def device(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[AttachmentDevice]:
        monkeypatch.setenv("SDNCTL_TEST_PASSWORD", PASSWORD)
        monkeypatch.setenv("SDNCTL_TEST_WRONG", "wrong-horse")
        with BoxDevice("env:SDNCTL_TEST_PASSWORD") as device:
            yield device


def test_the_template_is_short() -> None:
    """Lines of code, without blank ones and docstrings of one line: about a hundred."""
    lines = [line.strip() for line in TEMPLATE.read_text(encoding="utf-8").splitlines()]
    code = [line for line in lines if line and not line.startswith(('"""', "from ", "import "))]
    assert len(code) <= 110


def test_the_guide_names_what_the_template_needs() -> None:
    guide = (TEMPLATE.parents[3] / "docs" / "devices.md").read_text(encoding="utf-8")
    assert str(TEMPLATE.relative_to(TEMPLATE.parents[3])) in guide
    for name in ("AttachmentDriverContract", "BlockingDriver", "references.optional", "device_faults"):
        assert name in guide

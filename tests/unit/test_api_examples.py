"""Every request that the documentation of the controller shows is one that the API takes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from sdnctl.api import bodies

PAGE = (Path(__file__).parent.parent.parent / "docs" / "controller.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^\$ post (\S+) '(.*?)'(?:\s|$)", PAGE, re.MULTILINE)
TAKES: dict[str, type[BaseModel]] = {
    "rollback": bodies.RollbackRequest,
    "resume": bodies.ResumeRequest,
    "reconcile": bodies.ReconcileRequest,
    "flips": bodies.FlipRequest,
    "drains": bodies.DrainRequest,
    "verify": bodies.VerifyRequest,
    "verdicts": bodies.VerdictsRequest,
    "bindings": bodies.BindingRequest,
    "cabling/releases": bodies.ReleaseRequest,
    "drift/acknowledgements": bodies.AcknowledgeRequest,
    "tokens": bodies.TokenRequest,
}


def test_every_request_that_changes_something_is_shown() -> None:
    assert {path for path, _ in SHOWN} == TAKES.keys()
    assert "$ post apply @apply.json" in PAGE


@pytest.mark.parametrize(("path", "body"), SHOWN)
def test_what_is_shown_is_taken(path: str, body: str) -> None:
    sent = json.loads(body)
    assert TAKES[path].model_validate(sent).model_dump(exclude_unset=True) == sent

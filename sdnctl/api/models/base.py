"""The parts of every answer, and problems."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    """Keys beyond those that are described may come with any version."""

    model_config = ConfigDict(extra="allow")


class Answer(Document):
    """Every answer: the version of the documents, and whether all is well."""

    format: Literal[1] = 1
    ok: bool = True


class DiagnosticDocument(Document):
    """One finding: what is wrong, where, why, and what to do."""

    severity: Literal["error", "warning", "note"]
    code: str
    summary: str
    address: str
    file: str | None
    line: int | None
    detail: str
    hint: str


class Problem(Answer):
    """Why something was not done (RFC 9457), with the diagnostics that the command line would print."""

    type: str = Field(examples=["urn:sdnctl:error:stale-plan"])
    title: str
    status: int
    detail: str
    error: str = Field(description="The class in `sdnctl.errors`.", examples=["StalePlan"])
    ok: bool = False
    diagnostics: list[DiagnosticDocument]

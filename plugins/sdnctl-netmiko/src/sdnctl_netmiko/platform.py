"""A platform: a folder that says what is typed at a kind of device, and how what it prints is read.

    platform.yaml     commands, prompts, what counts as a refusal, how a change is guarded (`Settings`)
    attach.j2         lines that make one attachment, in configuration mode; typed again they change nothing
    detach.j2         lines that remove one
    running.textfsm   the running configuration as rows (`parsing` says which columns mean what)
    ports.textfsm     ports as rows: PORT, STATE and counters
    journal.j2        lines that note how to undo a change, for devices that cannot take one back by themselves

A folder that says ``extends: OTHER`` only holds what differs. Folders are looked for where the option `platforms`
of the device points to, then among those that come with this distribution: a new kind of device needs no code.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import jinja2
import textfsm
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sdnctl.errors import DeviceError, Diagnostic
from sdnctl_netmiko.parsing import COLUMNS, PORT_COLUMNS

BUILT_IN = Path(str(files("sdnctl_netmiko"))) / "platforms"
TEMPLATES = ("attach.j2", "detach.j2", "running.textfsm", "ports.textfsm")
DEEPEST = 5  # folders that extend one another
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Show(_Part):
    """Commands that print; `version` is searched for `version_pattern`, whose first group is shown to people."""

    running: str
    ports: str
    version: str
    version_pattern: str = "(.+)"


class GuardCommands(_Part):
    """How the device itself takes back what is not confirmed in time; ``{seconds}``, ``{minutes}`` are filled in.

    `via`: ``cli``, typed at the prompt; ``exec``, as commands of SSH's own on the same connection. `check` is
    given configuration lines on its input and answers with a status other than 0, and ``line N`` for the one that
    it would refuse (exec only).
    """

    via: Literal["cli", "exec"]
    arm: tuple[str, ...]
    confirm: tuple[str, ...]
    revert: tuple[str, ...]
    check: str | None = None
    refusal: str = "^%"


class Settings(_Part):
    """What platform.yaml holds. Patterns are Python's, searched line by line."""

    description: str
    device_type: str = Field(description="netmiko's name of the way to talk to it")
    extends: str | None = None
    can: frozenset[Literal["policing", "marking", "vlans"]] = frozenset()
    show: Show
    enter: str = "configure terminal"
    leave: str = "end"
    prepare: tuple[str, ...] | None = None  # typed after login; None: what netmiko types for the device type
    save: tuple[str, ...]
    saved: str = Field(description="what the answer to the last command of `save` must have")
    complete: str = Field(description="what the last lines of a whole running configuration have")
    refusal: str = "^%"
    paging: str = "--More--"
    question: str = r"\[[^\]\n]*\] ?\? ?$"  # answered with Return, which takes what is in brackets
    port: str = r"[A-Za-z][A-Za-z0-9/_:-]{0,62}"
    guard: GuardCommands | None = None

    @field_validator("saved", "complete", "refusal", "paging", "question", "port")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return pattern


@dataclass(frozen=True)
class Platform:
    """A folder that was read and found whole."""

    name: str
    settings: Settings
    texts: Mapping[str, str]  # of every template, by file name
    environment: jinja2.Environment

    def lines(self, template: str, **values: Any) -> tuple[str, ...]:
        """The commands that a template makes of these values, without indentation and empty lines."""
        text = self.environment.get_template(template).render(**values)
        return tuple(line.strip() for line in text.splitlines() if line.strip())

    def parser(self, template: str, **values: Any) -> str:
        """A TextFSM template with these values filled in."""
        return self.environment.get_template(template).render(**values)


def load_platform(name: str, folder: Path | None, device: str) -> Platform:
    """The platform of this name, from `folder` or from those that come along.

    Raises DeviceError ``bad-platform`` that names file and fault.
    """
    try:
        return _load(name, folder)
    except _Faulty as fault:
        raise DeviceError(
            Diagnostic(
                "bad-platform",
                f"the platform {name} of {device} cannot be used",
                f"device {device}, option platform",
                detail=str(fault),
                hint=f"platforms that come along: {', '.join(built_in())}",
            )
        ) from None


def built_in() -> tuple[str, ...]:
    """Names of the platforms of this distribution."""
    return tuple(sorted(path.parent.name for path in BUILT_IN.glob("*/platform.yaml")))


class _Faulty(Exception):
    """What is wrong with a folder, for people."""


@lru_cache(maxsize=64)
def _load(name: str, folder: Path | None) -> Platform:
    """Read once per process: hundreds of devices share a handful of platforms."""
    merged: dict[str, Any] = {}
    texts: dict[str, str] = {}
    for path in _chain(name, folder):
        merged = {**_read_settings(path), **merged}
        for file in sorted([*path.glob("*.j2"), *path.glob("*.textfsm")]):
            texts.setdefault(file.name, file.read_text("utf-8"))
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise _Faulty(f"platform.yaml: {faults}") from None
    if missing := [template for template in TEMPLATES if template not in texts]:
        raise _Faulty(f"it lacks {', '.join(missing)}")
    if settings.guard is None and "journal.j2" not in texts:
        raise _Faulty("it has neither a guard nor journal.j2, so nothing would take an unconfirmed change back")
    return Platform(name, settings, texts, _environment(texts))


def _environment(texts: Mapping[str, str]) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(dict(texts)),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["regex"] = re.escape
    for name in texts:
        try:
            environment.get_template(name)
        except jinja2.TemplateError as error:
            raise _Faulty(f"{name}: {error}") from None
    for name, columns in (("running.textfsm", COLUMNS), ("ports.textfsm", PORT_COLUMNS)):
        try:
            text = environment.get_template(name).render(uplink="uplink")
            unknown = set(textfsm.TextFSM(io.StringIO(text)).header) - columns
        except (jinja2.TemplateError, textfsm.TextFSMTemplateError) as error:
            raise _Faulty(f"{name}: {error}") from None
        if unknown:
            raise _Faulty(f"{name}: nobody knows what {', '.join(sorted(unknown))} would mean")
    return environment


def _chain(name: str, folder: Path | None) -> Sequence[Path]:
    """The folder of a platform and those it extends, nearest first."""
    found: list[Path] = []
    following: str | None = name
    while following is not None:
        path = next((path for path in _candidates(following, folder) if path not in found), None)
        if path is None:
            raise _Faulty(f"there is no folder {following} with a platform.yaml")
        found.append(path)
        if len(found) > DEEPEST:
            raise _Faulty("it extends others without end")
        following = _read_settings(path).get("extends")
    return found


def _candidates(name: str, folder: Path | None) -> Iterator[Path]:
    if _NAME.fullmatch(name):  # the name of a folder, not a way out of it
        for parent in (folder, BUILT_IN):
            if parent is not None and (parent / name / "platform.yaml").is_file():
                yield parent / name


def _read_settings(path: Path) -> dict[str, Any]:
    file = path / "platform.yaml"
    try:
        data = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _Faulty(f"{file}: {error}") from None
    if not isinstance(data, dict):
        raise _Faulty(f"{file}: it is not a mapping")
    return data

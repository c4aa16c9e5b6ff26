"""The API against its own OpenAPI document: what it describes can be sent, and nothing else comes back.

schemathesis makes requests, good and bad, to a controller of embedded switches. It reports any 500, any answer,
status or type that the document does not describe, bad requests that are accepted, good ones that are refused,
methods that are not there, and operations that work without a token.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from controller_thread import Running, applied_net
from schemathesis.engine import Status, from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished

from sdnctl.daemon.events import Kind
from sdnctl.daemon.hub import Hub
from sdnctl.store.tokens import Role

NOT_INVENTED = ("POST /v1/apply", "POST /v1/plans", "POST /v1/tokens")
"""States, plans and names of tenants cannot be invented: that true ones are taken is tested elsewhere."""
PHASES = ("examples", "coverage", "fuzzing", "stateful")


class Chatter:
    """Something happens all the time, so that event streams have something to tell."""

    name = "chatter"

    async def run(self, hub: Hub) -> None:
        while True:
            hub.events.publish(Kind.CONTROLLER, "chatter", "something happened")
            await asyncio.sleep(0.02)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with Running(applied_net(tmp_path / "net"), parts=[Chatter()]) as running:
        yield running


def findings(running: Running, phases: tuple[str, ...], examples: int) -> tuple[list[str], Counter[str]]:
    """What schemathesis found, and how many requests it made of each operation."""
    token = running.token("schemathesis of the tests", Role.ADMIN)
    config = schemathesis.Config.from_dict(
        {
            "headers": {"Authorization": f"Bearer {token}"},
            "seed": 1,
            "generation": {"max-examples": examples},
            "max-stream-events": 3,
            "request-timeout": 60,
            "phases": {name: {"enabled": name in phases} for name in PHASES},
        }
    )
    document = schemathesis.openapi.from_url(f"{running.url}/openapi.json", config=config)
    found: list[str] = []
    asked: Counter[str] = Counter()
    for event in from_schema(document).execute():
        if isinstance(event, FatalError):
            raise event.exception
        if isinstance(event, NonFatalError):
            found.append(f"{event.label}: {event.value!r}")
        if isinstance(event, ScenarioFinished):
            recorder = event.recorder
            asked[recorder.label] += len(recorder.interactions)
            for one in (one for checks in recorder.checks.values() for one in checks):
                invented = recorder.label in NOT_INVENTED and one.name == "positive_data_acceptance"
                if one.status is Status.FAILURE and one.failure_info is not None and not invented:
                    info = one.failure_info
                    found.append(f"{recorder.label}: {one.name}: {info.failure} {info.code_sample}")
    return found, asked


def operations(running: Running) -> set[str]:
    with running.remote() as client:
        paths = client.get("/openapi.json").json()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_nothing_is_found(running: Running) -> None:
    found, asked = findings(running, ("fuzzing",), 2)
    assert not found, "\n".join(found)
    assert {name for name, count in asked.items() if count} >= operations(running)


@pytest.mark.soak
def test_nothing_is_found_with_more_patience(running: Running) -> None:
    found, asked = findings(running, PHASES, 60)
    assert not found, "\n".join(found)
    assert {name for name, count in asked.items() if count} >= operations(running)
    assert sum(asked.values()) > 1_500

"""The log of a controller: one JSON object a line on stderr, or text where a person watches a terminal.

Events are in it too, with their number, kind, subject and details, so that the log alone tells what happened.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

from sdnctl.daemon.events import Event, Severity
from sdnctl.daemon.hub import Hub

logger = logging.getLogger(__name__)

_LEVELS = {Severity.INFO: logging.INFO, Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}

Style = Literal["json", "text"]


class JsonLines(logging.Formatter):
    """Every record as one JSON object: time, level, logger, message, and for events what they carry."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        event = getattr(record, "event", None)
        if isinstance(event, Event):
            line |= {"event": event.number, "kind": event.kind, "subject": event.subject}
            if event.detail:
                line["detail"] = event.detail
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Text(logging.Formatter):
    """Time, level where it is not the usual one, and message; tracebacks below."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        text = f"{_time(record)} {level}{record.getMessage()}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info else text


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def set_up(style: Style | None = None) -> None:
    """Log to stderr from `INFO` on; without a style, text on a terminal and JSON elsewhere."""
    if style is None:
        style = "text" if sys.stderr.isatty() else "json"
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else Text())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    # One line for each statement or request is what nobody reads; their warnings are what everybody needs.
    for name in ("alembic", "sqlalchemy", "uvicorn.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


class EventLog:
    """The part that writes every event into the log, on the standby too."""

    name = "log"
    standby = True

    async def run(self, hub: Hub) -> None:
        """Follow the events from the first; after a failure from the last that was written."""
        async for event in hub.events.follow(0):
            logger.log(_LEVELS[event.severity], "%s", event.summary, extra={"event": event})

"""Errors as problem documents (RFC 9457) that carry our diagnostics, and the HTTP status of each.

    {"type": "urn:sdnctl:error:stale-plan", "title": …, "status": 409, "error": "StalePlan", "format": 1,
     "ok": false, "diagnostics": [...]}

The diagnostics are those that the command line prints; `error` is the class in `sdnctl.errors`, so that a client
can raise what the controller raised.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from sdnctl import errors
from sdnctl.errors import Diagnostic, SdnctlError
from sdnctl.usecases.documents import FORMAT, diagnostic_document

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

_BY_CODE: Mapping[str, int] = {
    "nothing-applied": 409,
    "nothing-before": 409,
    "apply-unfinished": 409,
    "token-exists": 409,
    "bad-token": 409,
    "device-bound": 409,
    "dpid-in-use": 409,
    "drain-refused": 409,
    "same-switch": 409,
    "standby": 503,
    "no-standby": 409,
    "no-such-failures": 400,
    "no-such-grouping": 400,
}
_BY_CLASS: tuple[tuple[type[SdnctlError], int], ...] = (
    (errors.UsageError, 400),
    (errors.InputError, 422),
    (errors.CompileError, 422),
    (errors.AlteredPlan, 422),
    (errors.StalePlan, 409),
    (errors.PlanError, 422),
    (errors.OutageRefused, 409),
    (errors.VerificationFailed, 422),
    (errors.NoCredentials, 401),
    (errors.Forbidden, 403),
    (errors.Busy, 503),
    (errors.LeaseHeld, 409),
    (errors.StoreError, 500),
    (errors.DeviceUnreachable, 503),
    (errors.DeviceError, 502),
)


def status_of(error: SdnctlError) -> int:
    """The HTTP status that says the same as the error."""
    codes = [item.code for item in error.diagnostics]
    for code in codes:
        if code in _BY_CODE:
            return _BY_CODE[code]
    if codes and codes[0].startswith("no-such-"):
        return 404
    if any(code in ("apply-stopped", "device-unreachable") for code in codes):
        return 503
    return next((status for kind, status in _BY_CLASS if isinstance(error, kind)), 500)


def document(status: int, error: str, diagnostics: tuple[Diagnostic, ...]) -> dict[str, Any]:
    """The body of a problem."""
    first = diagnostics[0]
    return {
        "type": f"urn:sdnctl:error:{first.code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": first.summary,
        "error": error,
        "format": FORMAT,
        "ok": False,
        "diagnostics": [diagnostic_document(item) for item in diagnostics],
    }


def response(
    status: int, error: str, *diagnostics: Diagnostic, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """A problem as it is sent."""
    more = dict(headers or {})
    if status == HTTPStatus.UNAUTHORIZED:
        more["WWW-Authenticate"] = 'Bearer realm="sdnctl"'
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        more.setdefault("Retry-After", "5")
    return JSONResponse(document(status, error, diagnostics), status, headers=more, media_type=MEDIA_TYPE)


def told(error: SdnctlError) -> JSONResponse:
    """What an error of ours looks like."""
    return response(status_of(error), type(error).__name__, *error.diagnostics)


def install(app: FastAPI) -> None:
    """Every error of an app leaves as a problem document."""

    @app.exception_handler(SdnctlError)
    async def ours(_: Request, error: SdnctlError) -> JSONResponse:
        return told(error)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        found = tuple(
            Diagnostic(
                "bad-request", item["msg"], address=".".join(map(str, item["loc"])), hint=_hint(request, item)
            )
            for item in error.errors()
        )
        return response(422, "InputError", *found)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> JSONResponse:
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:  # each route knows only its own method
            error.headers = {"Allow": ", ".join(sorted(_methods(app, request)))}
        word = HTTPStatus(error.status_code).phrase
        hint = "/openapi.json has every path, and /v1/ is in front of most" if error.status_code == 404 else ""
        found = Diagnostic(word.lower().replace(" ", "-"), str(error.detail), hint=hint)
        return response(error.status_code, "InputError", found, headers=error.headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        # What went wrong is for the log: an answer must not show the inside of the controller.
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        found = Diagnostic("internal", "the controller failed at this", hint="its log says why")
        return response(500, "SdnctlError", found)


def _hint(request: Request, item: Mapping[str, Any]) -> str:
    """What to do about a request that does not fit."""
    if item["loc"][0] != "body":
        return ""
    kind = request.headers.get("content-type", "")
    if not kind.startswith("application/json"):
        return f"send it with Content-Type: application/json{f', not {kind}' if kind else ''}"
    if item["type"] == "json_invalid":
        return "the body is no JSON: what is wrong, and at which character, is above"
    return "/openapi.json has what each request takes"


def _methods(app: FastAPI, request: Request) -> set[str]:
    """What may be done with the path of a request."""
    routes = [one for one in app.routes if isinstance(one, Route)]
    fitting = [one for one in routes if one.matches(request.scope)[0] is not Match.NONE]
    return {method for one in fitting for method in one.methods or ()}

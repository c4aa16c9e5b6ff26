"""Whom a client believes to be the controller, and what it shows: TLS from the environment.

``SDNCTL_CONTROLLER_CA``: the authority of the controller's certificate, where it is none that this machine knows.
``SDNCTL_CONTROLLER_CERTIFICATE`` and ``SDNCTL_CONTROLLER_KEY``: the client's own. PEM files, ``file:`` may stand
before each.
"""

from __future__ import annotations

import os
import ssl

from sdnctl.errors import Diagnostic, InputError

CA, CERTIFICATE, KEY = (f"SDNCTL_CONTROLLER_{name}" for name in ("CA", "CERTIFICATE", "KEY"))


def context_from_environment() -> ssl.SSLContext | None:
    """TLS 1.2 or later, None where nothing is said; raises InputError for files that cannot be used."""
    authority, certificate, key = (
        os.environ.get(name, "").strip().removeprefix("file:") or None for name in (CA, CERTIFICATE, KEY)
    )
    if authority is None and certificate is None and key is None:
        return None
    try:
        if key is not None and certificate is None:
            raise ValueError(f"there is a key without a certificate: {CERTIFICATE} is not set")
        context = ssl.create_default_context(cafile=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(certificate, key, password=lambda: b"")
    except (OSError, ValueError) as error:
        named = ", ".join(path for path in (authority, certificate, key) if path is not None)
        raise InputError(
            Diagnostic(
                "client-tls",
                f"the TLS files for the controller cannot be used: {error}",
                address="controller",
                detail=f"files: {named}",
                hint=f"{CA}, {CERTIFICATE} and {KEY} name PEM files; a key has no passphrase",
            )
        ) from error
    return context


def tls_fault(error: BaseException | None) -> ssl.SSLError | None:
    """What TLS said, behind the errors of an HTTP client."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def refused(where: str, fault: ssl.SSLError) -> InputError:
    """The error for a controller that is not believed, or does not believe us."""
    ours = isinstance(fault, ssl.SSLCertVerificationError)
    summary = "its certificate is not trusted here" if ours else "TLS with it failed"
    hint = (
        f"{CA}=FILE names its authority; the name in {where} must stand in its certificate"
        if ours
        else f"where it wants a certificate of its clients: {CERTIFICATE} and {KEY}; http:// where it has no TLS"
    )
    return InputError(
        Diagnostic(
            "controller-untrusted",
            f"the controller at {where} cannot be asked: {summary}",
            address=f"controller {where}",
            detail=str(fault),
            hint=hint,
        )
    )

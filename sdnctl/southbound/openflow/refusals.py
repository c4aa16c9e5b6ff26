"""Why a connection was refused, in words: what the TLS library says is for its own developers."""

from __future__ import annotations

import ssl

from sdnctl.errors import Diagnostic

_EXPIRED, _NOT_YET = (10,), (9,)
_AUTHORITY = (2, 18, 19, 20, 21, 24)
_NAME = (62, 63, 64)
"""OpenSSL's reasons why a certificate is none (X509_V_ERR_…, x509_vfy.h)."""


def refusal(error: BaseException, peer: str) -> Diagnostic | None:
    """What speaks against a peer, None where that is nothing about its certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, peer)
    reason = getattr(error, "reason", None) or ""
    if not isinstance(error, ssl.SSLError):
        return None
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return _said(
            "certificate-missing", peer, "shows no certificate", "give it one of the controller's authority"
        )
    if reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "UNSUPPORTED_PROTOCOL"):
        return _said("not-tls", peer, "does not speak TLS 1.2 or later", "ovs-vsctl set-controller BRIDGE ssl:…")
    if "ALERT" in reason:
        words = reason.lower().replace("_", " ")
        return _said("certificate-refused", peer, f"refuses our certificate ({words})", "see its log")
    return None


def _certificate(error: ssl.SSLCertVerificationError, peer: str) -> Diagnostic:
    code, hint = error.verify_code, "renew it"
    if code in _EXPIRED:
        return _said("certificate-expired", peer, "shows a certificate that has expired", hint)
    if code in _NOT_YET:
        return _said("certificate-early", peer, "shows a certificate that is not valid yet", "check both clocks")
    if code in _AUTHORITY:
        hint = "give it a certificate of the authority under `controller: tls: ca_certificate:`"
        return _said("certificate-authority", peer, "shows a certificate of another authority", hint)
    if code in _NAME:
        return _said("certificate-name", peer, "shows a certificate of another name", "see `server_name`")
    return _said("certificate-bad", peer, f"shows a certificate that does not hold: {error.verify_message}", hint)


def _said(code: str, peer: str, what: str, hint: str) -> Diagnostic:
    return Diagnostic(code, f"{peer} {what}", hint=hint)

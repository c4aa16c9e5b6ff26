"""Why a connection was refused, in words: what the TLS library says is for its own developers."""

from __future__ import annotations

import ssl

from sdnctl.errors import Diagnostic

_EXPIRED, _NOT_YET = (10,), (9,)
_AUTHORITY = (2, 18, 19, 20, 21, 24)
_NAME = (62, 63, 64)
"""OpenSSL's reasons why a certificate is none (X509_V_ERR_…, x509_vfy.h)."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "UNSUPPORTED_PROTOCOL")


def refusal(error: BaseException, peer: str) -> Diagnostic | None:
    """What speaks against a peer, None where that is nothing about its certificate."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _certificate(error, peer)
    reason = getattr(error, "reason", None) or ""
    if not isinstance(error, ssl.SSLError):
        return None
    if reason == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        hint = "give it one of the controller's authority"
        return Diagnostic("certificate-missing", f"{peer} shows no certificate", hint=hint)
    if reason in _NO_TLS:
        hint = "ovs-vsctl set-controller BRIDGE ssl:HOST:PORT"
        return Diagnostic("not-tls", f"{peer} does not speak TLS 1.2 or later", hint=hint)
    if "ALERT" in reason:
        words = reason.lower().replace("_", " ")
        return Diagnostic("certificate-refused", f"{peer} refuses our certificate ({words})", hint="see its log")
    return None


def _certificate(error: ssl.SSLCertVerificationError, peer: str) -> Diagnostic:
    code, what = error.verify_code, f"{peer} shows a certificate"
    if code in _EXPIRED:
        return Diagnostic("certificate-expired", f"{what} that has expired", hint="renew it")
    if code in _NOT_YET:
        return Diagnostic("certificate-early", f"{what} that is not valid yet", hint="check the clocks of both")
    if code in _AUTHORITY:
        hint = "give it one of the authority under `controller: tls: ca_certificate:`"
        return Diagnostic("certificate-authority", f"{what} of another authority", hint=hint)
    if code in _NAME:
        return Diagnostic("certificate-name", f"{what} of another name", hint="see its option `server_name`")
    return Diagnostic("certificate-bad", f"{what} that does not hold: {error.verify_message}", hint="renew it")

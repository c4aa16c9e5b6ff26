"""TLS of the API: a certificate of its own and, where an authority is named, one of every client.

A handshake counts as a connection that has not asked yet, so whoever opens thousands and says nothing makes room
for others here as well (`connections.Crowd`).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping

from sdnctl.api.connections import Crowd
from sdnctl.errors import Diagnostic, InputError

logger = logging.getLogger(__name__)


def server_context(options: Mapping[str, str]) -> ssl.SSLContext:
    """TLS 1.2 or later from ``private_key``, ``certificate`` and perhaps ``client_ca``, each ``file:PATH``.

    Raises InputError for files that cannot be used; a key with a passphrase is one.
    """
    paths = {name: reference.removeprefix("file:") for name, reference in options.items()}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(paths["certificate"], paths["private_key"], password=lambda: b"")
        if "client_ca" in paths:
            context.load_verify_locations(paths["client_ca"])
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ValueError) as error:
        raise InputError(
            Diagnostic(
                "api-tls",
                f"the API cannot use its TLS files: {error}",
                address="controller api_tls",
                detail=f"files: {', '.join(paths.values())}",
                hint="PEM files that the controller's user may read, the key without a passphrase",
            )
        ) from error
    return context


class Handshake(asyncio.Protocol):
    """A client until its handshake is done; then what `make` returns takes over."""

    transport: asyncio.Transport

    def __init__(self, context: ssl.SSLContext, crowd: Crowd, make: Callable[[], asyncio.Protocol]) -> None:
        self._context, self._crowd, self._make = context, crowd, make
        self._early = bytearray()
        self._lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        if not self._crowd.admit(self):
            transport.abort()
            return
        transport.pause_reading()  # what comes is for TLS
        self._task = asyncio.get_running_loop().create_task(self._shake())

    def data_received(self, data: bytes) -> None:
        self._early += data  # came with the last message of the handshake

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._crowd.leave(self)

    async def _shake(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            tls = await loop.start_tls(
                self.transport,
                self,
                self._context,
                server_side=True,
                ssl_handshake_timeout=self._crowd.limits.idle,
            )
        except OSError as error:  # also of TLS: a stranger's certificate, no TLS at all, nothing for too long
            logger.info("a client of the API was refused: %s", error)
            tls = None
        self._crowd.leave(self)
        if tls is None or self._lost:
            self.transport.abort()
            return
        client = self._make()
        tls.set_protocol(client)
        client.connection_made(tls)
        if self._early:
            client.data_received(bytes(self._early))

"""One SNMP agent: one request at a time, tried again when nothing or nonsense comes back, errors as `DeviceError`.

The library's decoder panics on some malformed answers (gufo_snmp 0.13: an index out of bounds, raised as a
BaseException). That is an answer like any other nonsense: it is contained here, and the session is opened anew.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar, cast

from gufo.snmp import SnmpAuthError, SnmpDecodeError, SnmpEncodeError, SnmpError
from gufo.snmp.aio import SnmpSession

from sdnctl.errors import DeviceError, DeviceRefused, DeviceUnreachable, ProtocolError
from sdnctl.southbound import device_faults
from sdnctl.southbound.references import scrub
from sdnctl_snmp.address import Address, resolve
from sdnctl_snmp.credentials import Community, Credentials
from sdnctl_snmp.oids import under
from sdnctl_snmp.values import Value

A = TypeVar("A")
T = TypeVar("T")
logger = logging.getLogger(__name__)

CONNECT = "connect"
"""The step in which an agent is found."""
CHUNK = 51
"""Objects asked for at a time: with long names and counters still one datagram of an Ethernet frame."""
SMALL_CHUNK = 8
"""The same where an answer with so many cannot be read: the decoder takes 4,080 octets, and texts may have 255."""
REPETITIONS = (20, 4)
"""Rows asked for at a time in a walk; the second where an answer with so many cannot be read."""
ROWS = 20_000
"""Rows of one column after which a walk is not believed any more."""
IDLE = 100.0
"""Seconds without a request after which an SNMPv3 session asks for the agent's clock first; 150 are too many
(RFC 3414 §2.2.3)."""


_UNBOUNDED = cast(float, None)  # two bounds on each answer would be two timers


class _Silence(Exception):
    """No answer in time; `refused` where nobody listens there at all."""

    def __init__(self, refused: bool) -> None:
        self.refused = refused


class Objects(Protocol):
    """What readers of tables need: some objects, and columns."""

    async def get(self, oids: Sequence[str]) -> dict[str, Value]: ...

    async def walk(self, base: str) -> dict[str, Value]: ...


class Agent:
    """An agent by name of its device, address and credentials; opened by `open`, and again after it was silent.

    `timeout` is seconds for one answer, `tries` how often something is asked.
    """

    def __init__(
        self, device: str, address: Address, credentials: Credentials, *, timeout: float = 1.0, tries: int = 3
    ) -> None:
        self.device = device
        self._address = address
        self._credentials = credentials
        self._timeout = timeout
        self._tries = tries
        self._session: SnmpSession | None = None
        self._used = 0.0
        self._proven = False  # whether it has answered what only right credentials can ask
        self._found = False  # whether it has answered at all: an SNMPv3 agent tells its engine id to anybody
        self._turn = asyncio.Lock()
        self.engine: bytes | None = None
        """The engine id of an SNMPv3 agent that has answered."""

    async def open(self) -> None:
        """Find the agent; raises DeviceUnreachable, or DeviceError ``bad-credentials``."""
        async with self._turn:
            await self._ask(self._connected, None, CONNECT)

    def close(self) -> None:
        self._session = None  # its socket is closed with it

    async def get(self, oids: Sequence[str]) -> dict[str, Value]:
        """The values of these objects; those that the agent does not have are missing.

        Raises DeviceUnreachable, DeviceError ``bad-credentials``, DeviceRefused, ProtocolError ``device-garbage``.
        """
        found: dict[str, Value] = {}
        async with self._turn:
            for start in range(0, len(oids), CHUNK):
                chunk = oids[start : start + CHUNK]
                try:
                    found.update(await self._ask(self._get, chunk, f"read {chunk[0]}"))
                except (ProtocolError, DeviceRefused):
                    if len(chunk) <= SMALL_CHUNK:
                        raise
                    for small in range(0, len(chunk), SMALL_CHUNK):
                        part = chunk[small : small + SMALL_CHUNK]
                        found.update(await self._ask(self._get, part, f"read {part[0]}"))
        return found

    async def walk(self, base: str) -> dict[str, Value]:
        """All objects below an OID, by what follows it; empty where the agent has none. Raises as `get`."""
        step = f"read {base}"
        async with self._turn:
            try:
                return await self._ask(self._walk, (base, REPETITIONS[0]), step)
            except (ProtocolError, DeviceRefused):
                return await self._ask(self._walk, (base, REPETITIONS[1]), step)

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    async def _get(self, oids: Sequence[str]) -> dict[str, Value]:
        session, now = self._session, asyncio.get_running_loop().time()
        if session is None or now - self._used > IDLE:
            session = await self._connected()
        self._used = now
        async with asyncio.timeout(self._timeout):
            return await session.get_many(oids)

    async def _walk(self, asked: tuple[str, int]) -> dict[str, Value]:
        base, repetitions = asked
        session = await self._connected()
        rows: dict[str, Value] = {}
        last: tuple[int, ...] = ()
        answers = session.getbulk(base, repetitions)
        while True:
            try:
                async with self._limit():
                    oid, value = await anext(answers)
            except StopAsyncIteration:
                break
            below = under(oid, base)
            if below is None:
                break
            here = tuple(map(int, below.split(".")))
            if here <= last or len(rows) >= ROWS:
                raise SnmpDecodeError(f"the walk below {base} does not end: {below} after {len(rows)} rows")
            rows[below], last = value, here
        return rows

    async def _connected(self, _: None = None) -> SnmpSession:
        """The session, opened where there is none, with a clock that is not too old."""
        now = asyncio.get_running_loop().time()
        session = self._session
        if session is None:
            session = await self._opened()
        elif now - self._used > IDLE:
            async with self._limit():
                await session.refresh()
        self._used = now
        return session

    def _limit(self, answers: int = 1) -> asyncio.Timeout:
        """A bound on waiting in place of the library's, which begins anew with each datagram that is no answer."""
        return asyncio.timeout(answers * self._timeout)

    async def _opened(self) -> SnmpSession:
        host, port = await resolve(self._address, self.device), self._address.port
        who = self._credentials
        if isinstance(who, Community):
            community = who.secret.get_secret_value()
            session = SnmpSession(host, port, community=community, timeout=_UNBOUNDED)
        else:
            session = SnmpSession(host, port, user=who.user(), timeout=_UNBOUNDED)
            try:
                async with self._limit(2):  # its engine id, then its clock
                    await session.refresh()
            finally:
                engine = session.get_engine_id()
                self._found = bool(engine)
            if self.engine not in (None, engine):
                logger.warning("%s has another SNMP engine id now: %s", self.device, engine.hex())
            self.engine = engine
        self._session = session
        return session

    async def _ask(self, work: Callable[[A], Awaitable[T]], asked: A, step: str) -> T:
        """Do something that asks, up to so many times; what it raises in the end says what kind of fault it is."""
        fault: DeviceError | _Silence | None = None
        for _ in range(self._tries):
            begun = time.monotonic()
            try:
                done = await work(asked)
            except BaseException as error:
                # Another engine or clock since a restart is found by asking for it again.
                self._session = None
                fault = self._fault(error, step, time.monotonic() - begun)
            else:
                self._proven = self._proven or step != CONNECT
                return done
        assert fault is not None
        raise self._silent(step, fault.refused) if isinstance(fault, _Silence) else fault

    def _fault(self, error: BaseException, step: str, seconds: float) -> DeviceError | _Silence:
        """What an error means, where asking again may help; raises what it means where that cannot."""
        if isinstance(error, TimeoutError):  # the library says so, too, when the port is closed
            return _Silence(seconds < self._timeout / 2)
        if isinstance(error, SnmpAuthError):
            if not self._proven:
                raise device_faults.bad_credentials(self.device, self._clean(error)) from error
            self._proven = False  # a restart in between, or somebody else's answer
            return device_faults.unreachable(self.device, step, "it refused a request that was its own")
        if isinstance(error, SnmpDecodeError | SnmpEncodeError):
            return device_faults.garbage(self.device, step, self._clean(error))
        if isinstance(error, SnmpError):
            raise device_faults.refused(self.device, step, self._clean(error)) from error
        if isinstance(error, OSError):
            return device_faults.unreachable(self.device, step, error.strerror or type(error).__name__)
        if _panicked(error):
            return device_faults.garbage(self.device, step, f"the decoder gave up: {self._clean(error)}")
        if isinstance(error, DeviceUnreachable):
            return error
        raise error

    def _silent(self, step: str, refused: bool) -> DeviceError:
        """The error for no answer; what that means depends on what was answered before."""
        if refused:
            return device_faults.unreachable(self.device, step, "nobody listens there")
        if isinstance(self._credentials, Community):
            detail = "no answer" if self._proven else "no answer; a wrong community is not answered either"
            return device_faults.unreachable(self.device, step, detail)
        if self._found and not self._proven:
            detail = "it is there, but does not answer what is encrypted: is it privacy_key, or privacy?"
            return device_faults.bad_credentials(self.device, detail)
        return device_faults.unreachable(self.device, step, "no answer")

    def _clean(self, error: BaseException) -> str:
        return scrub(str(error), self._credentials.secrets)


def _panicked(error: BaseException) -> bool:
    """Whether this is a panic of the decoder, which PyO3 raises past every `except Exception`."""
    return type(error).__name__ == "PanicException" and type(error).__module__ == "pyo3_runtime"

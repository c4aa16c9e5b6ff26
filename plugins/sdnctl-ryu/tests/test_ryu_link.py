"""What goes wrong between driver and application: a fake application for what a real one never says (labelled)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sdnctl_ryu.driver import RyuDriver
from sdnctl_ryu.link import Inexpressible, Link
from sdnctl_ryu.protocol import What, line

from sdnctl.errors import DeviceError, DeviceUnreachable, InputError, ProtocolError
from sdnctl.southbound.base import Target
from sdnctl.southbound.openflow.codec.faults import encode_error
from sdnctl.southbound.openflow.codec.multipart import decode_description
from sdnctl.southbound.openflow.codec.wire import Malformed
from sdnctl.southbound.openflow.waiting import RequestRefused

HELLO = line({"framework": "fake 1", "peer": "192.0.2.7:1"})
Use = Callable[[Link], Awaitable[Any]]


def with_fake_application(folder: Path, answers: list[bytes], use: Use) -> Any:
    """Each request gets the next of the answers; then the fake hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            await reader.readline()
            writer.write(answer)
        await hang_up(writer)
        served.set()

    served = asyncio.Event()

    async def main() -> Any:
        path = folder / "fake.sock"
        async with await asyncio.start_unix_server(serve, path):
            link = await Link.open(Target("pop-a", f"unix:{path}", 7), str(path), 7)
            try:
                return await use(link)
            finally:
                await link.close()
                await served.wait()

    return asyncio.run(main())


async def hang_up(writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        writer.close()
        await writer.wait_closed()


async def describe(link: Link) -> Any:
    return await link.read(What.DESCRIPTION, lambda body: [decode_description(body)])


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (b"\xff\xfe not JSON\n", ProtocolError, "do not understand each other"),
        (b"[]\n", ProtocolError, "do not understand each other"),
        (b'{"octets":[-1]}\n', ProtocolError, "do not understand each other"),
        (b'{"octets":["many"]}\n', ProtocolError, "do not understand each other"),
        (b'{"octets":[1056]}\n', DeviceUnreachable, "closed the connection"),
        (b'{"octe', DeviceUnreachable, "closed the connection"),
        (b"", DeviceUnreachable, "closed the connection"),
        (line({"octets": [3]}) + b"abc", Malformed, "switch description"),
        (line({"error": "gone", "text": "the switch left"}), DeviceUnreachable, "the switch left"),
        (line({"error": "silent", "text": "no answer"}), DeviceUnreachable, "no answer"),
        (line({"error": "bad-request", "text": "what?"}), ProtocolError, "what?"),
        (line({"error": "unheard-of", "text": "why?"}), ProtocolError, "why?"),
    ],
)
def test_fake_application_that_misbehaves(
    tmp_path: Path, answer: bytes, kind: type[DeviceError], said: str
) -> None:
    """One error, of its kind, that names the device; after it the connection is not used again."""

    async def use(link: Link) -> None:
        with pytest.raises(kind) as caught:
            await describe(link)
        assert said in str(caught.value)
        if kind is not Malformed:
            assert "pop-a" in str(caught.value)
        with pytest.raises(DeviceError) as again:
            await describe(link)
        assert again.value is caught.value

    with_fake_application(tmp_path, [HELLO, answer], use)


def test_fake_application_refuses_and_the_connection_goes_on(tmp_path: Path) -> None:
    body = encode_error(1, 1, 2, b"")[8:]

    async def use(link: Link) -> None:
        with pytest.raises(RequestRefused) as refused:
            await describe(link)
        assert "BAD_MULTIPART" in str(refused.value)
        with pytest.raises(Inexpressible) as caught:
            await link.request({"do": "write", "bundle": None, "changes": []})
        assert caught.value.faults == ((3, "too long"),)
        assert await link.request({"do": "write", "bundle": None, "changes": []}) == ({"errors": []}, [])

    answers = [
        line({"error": "refused", "text": "description", "octets": [len(body)]}) + body,
        line({"error": "inexpressible", "text": "one", "faults": [[3, "too long"]]}),
        line({"errors": []}),
    ]
    with_fake_application(tmp_path, [HELLO, *answers], use)


def test_a_request_that_was_given_up_ends_the_connection(tmp_path: Path) -> None:
    """Its reply would be taken for the next one's."""

    async def use(link: Link) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await link.request({"do": "sleep"})
        with pytest.raises(DeviceUnreachable, match="given up"):
            await describe(link)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(HELLO)
        await reader.read()
        await hang_up(writer)
        served.set()

    served = asyncio.Event()

    async def main() -> None:
        path = tmp_path / "fake.sock"
        async with await asyncio.start_unix_server(serve, path):
            link = await Link.open(Target("pop-a", f"unix:{path}", 7), str(path), 7)
            await use(link)
            await link.close()
            await served.wait()

    asyncio.run(main())


@pytest.mark.parametrize("address", ["tcp:127.0.0.1:6653", "unix:", "nonsense"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(InputError, match="pop-a"):
        asyncio.run(RyuDriver.open(Target("pop-a", address, 7)))


def test_a_switch_without_datapath_id() -> None:
    with pytest.raises(InputError, match="no datapath id"):
        asyncio.run(RyuDriver.open(Target("pop-a", "unix:/run/ryu.sock")))


def test_no_application(tmp_path: Path) -> None:
    with pytest.raises(DeviceUnreachable, match="sdnctl-os-ken"):
        asyncio.run(RyuDriver.open(Target("pop-a", f"unix:{tmp_path}/ryu.sock", 7)))

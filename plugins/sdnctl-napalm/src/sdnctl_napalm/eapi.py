"""Arista's eAPI (JSON-RPC 2.0 over HTTP) as a transport of pyeapi that checks whom it talks to and what it hears.

pyeapi's own transports accept every certificate, say "unable to connect" of an answer that is no JSON, and let
errors of half an answer through. This one raises what `connection` can tell a person. It is imported only when a
connection is opened, because pyeapi is.
"""

from __future__ import annotations

import http.client
import json
import ssl
from typing import Any

from pyeapi.eapilib import CommandError, EapiConnection

from sdnctl.southbound.references import HostKeys

PATH = "/command-api"
LARGEST = 64_000_000
"""Octets of an answer: more is not a configuration."""


class Unauthorised(Exception):
    """The device does not let us in."""


class Unreadable(Exception):
    """What came is not an answer of eAPI."""


class CheckedEapi(EapiConnection):  # type: ignore[misc]
    """One device; every request is a connection of its own, as pyeapi does it.

    `context` None is plain HTTP. `keys`: fingerprints of which the certificate must have one; None where the
    context checks the certificate itself.
    """

    def __init__(
        self,
        host: str,
        port: int = 443,
        username: str = "",
        password: str = "",
        timeout: float = 60,
        context: ssl.SSLContext | None = None,
        keys: HostKeys | None = None,
    ) -> None:
        super().__init__()
        self._keys = keys
        if context is None:
            self.transport = http.client.HTTPConnection(host, port, timeout=timeout)
        else:
            self.transport = http.client.HTTPSConnection(host, port, timeout=timeout, context=context)
        self.authentication(username, password)

    def send(self, data: str) -> dict[str, Any]:
        """One request and its answer; raises OSError, Unauthorised, Unreadable or pyeapi's CommandError."""
        try:
            self.transport.connect()
            if self._keys is not None:  # before the password leaves this machine
                secured: Any = self.transport.sock
                self._keys.check(secured.getpeercert(binary_form=True) or b"")
            name, value = self._auth
            headers = {"Content-Type": "application/json-rpc", name: value}
            self.transport.request("POST", PATH, data.encode(), headers)
            response = self.transport.getresponse()
            body = response.read(LARGEST + 1)
            if response.length and len(body) <= LARGEST:  # what is still missing
                raise Unreadable(f"the answer ends after {len(body)} octets, before it is complete")
        except http.client.RemoteDisconnected:
            raise ConnectionResetError("it closed the connection before it answered") from None
        except http.client.IncompleteRead as error:
            raise Unreadable(f"the answer ends after {len(error.partial)} octets, before it is complete") from None
        except (http.client.HTTPException, UnicodeError) as error:
            raise Unreadable(f"it is not HTTP: {type(error).__name__}") from None
        finally:
            self.transport.close()
        if response.status == 401:
            raise Unauthorised(response.reason or "401")
        if response.status != 200:
            raise Unreadable(f"the answer is HTTP {response.status} {response.reason}")
        return self._checked(_decode(body), data)

    def _checked(self, answer: dict[str, Any], request: str) -> dict[str, Any]:
        """The answer if it is one to this request: as many results as commands, or a proper error."""
        if "error" in answer:
            try:
                code, message, said, output = self._parse_error_message(answer)
                raise CommandError(int(code), str(message), command_error=said, output=output)
            except (KeyError, TypeError, ValueError, AttributeError):
                raise Unreadable("the answer is an error without code and message") from None
        results, asked = answer.get("result"), len(json.loads(request)["params"]["cmds"])
        if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
            raise Unreadable("the answer has neither results nor an error")
        if len(results) != asked:
            raise Unreadable(f"the answer has {len(results)} results for {asked} commands")
        return answer


def _decode(body: bytes) -> dict[str, Any]:
    if len(body) > LARGEST:
        raise Unreadable(f"the answer has more than {LARGEST} octets")
    try:
        answer = json.loads(body)
    except UnicodeDecodeError as error:
        raise Unreadable(f"the answer is not UTF-8 at offset {error.start}") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"the answer is not JSON at offset {error.pos}") from None
    except RecursionError:
        raise Unreadable("the answer is nested too deeply") from None
    if not isinstance(answer, dict):
        raise Unreadable(f"the answer is a JSON {type(answer).__name__}, not an object")
    return answer

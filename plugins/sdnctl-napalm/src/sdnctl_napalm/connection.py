"""One device through NAPALM, in its words: load, compare, commit, confirm, roll back, discard.

What NAPALM, pyeapi and the device say becomes a `DeviceError` that names device and step, without secrets.
"""

from __future__ import annotations

import contextlib
import secrets
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

from sdnctl.dataplane.attachment import Attachment
from sdnctl.errors import DeviceError, DeviceRefused, Diagnostic, SdnctlError
from sdnctl.southbound.base import Target
from sdnctl.southbound.references import HostKeys, host_keys, optional, scrub
from sdnctl_napalm.address import Address, parse_address
from sdnctl_napalm.candidate import Line
from sdnctl_napalm.masking import mask
from sdnctl_napalm.platforms import platform_of
from sdnctl_napalm.platforms.base import Held, Session

SESSION = "sdnctl_"
"""How the names of our candidates begin."""
TIMEOUT = 30
_LONGEST = 600

_importing = threading.Lock()


class Connection:
    """An open device. Every call may block, and raises DeviceError.

    Options of the target: `platform`, `username`, `password`, `enable`, `host_key` (fingerprint of the
    certificate, or ``file:`` with the authorities that may sign it), `timeout` (seconds), `cleartext`.
    """

    def __init__(self, target: Target) -> None:
        self.device = target.device
        self.platform = platform_of(target.device, target.options.get("platform", ""))
        address = parse_address(target)
        timeout = number_option(target, "timeout", TIMEOUT, 1, _LONGEST)
        password, enable = optional(target, "password"), optional(target, "enable")
        self._secrets = (password, enable)
        context, keys = _trust(target, address)
        self._libraries = _libraries()
        login = (
            target.options.get("username", ""),
            password.get_secret_value() if password else "",
            enable.get_secret_value() if enable else "",
        )
        with self._step("connect"):
            self._napalm = self._libraries.driver(
                self.platform.name, address.host, address.port, login, timeout, context=context, keys=keys
            )
            self._napalm.open()

    # ── reading ──────────────────────────────────────────────────────────────────────────────────

    def text(self, which: str = "running", step: str = "read") -> str:
        """The running, startup or candidate configuration as the device shows it, secrets and all."""
        with self._step(step):
            return str(self._napalm.get_config(retrieve=which)[which])

    def held(self, which: str = "running", step: str = "read") -> Held:
        """What the running, startup or candidate configuration holds."""
        text = self.text(which, step)
        with self._step(step):
            return self.platform.read(text)

    def get(self, getter: str) -> Any:
        """What one of NAPALM's getters says; None where the platform does not have it."""
        with self._step(f"read {getter.removeprefix('get_').replace('_', ' ')}"):
            try:
                return getattr(self._napalm, getter)()
            except NotImplementedError:
                return None

    def sessions(self, step: str) -> list[Session]:
        """Unfinished work on the device's configuration, ours included."""
        with self._step(step):
            return self.platform.sessions(self._napalm)

    @property
    def session(self) -> str | None:
        """The name of our candidate, or of our commit that waits to be confirmed."""
        name = getattr(self._napalm, "config_session", None)
        return name if isinstance(name, str) else None

    def shown(self, text: str) -> str:
        """A text of the device's as people may see it."""
        return mask(scrub(text, self._secrets))

    # ── changing ─────────────────────────────────────────────────────────────────────────────────

    def load(self, lines: Sequence[Line]) -> None:
        """Put lines into a new candidate; DeviceRefused names the attachment that the device does not want."""

        def blame(said: str) -> Attachment | None:
            place = self.platform.failed_line(said)
            return lines[place].attachment if place is not None and 0 <= place < len(lines) else None

        self._new_session()
        with self._step("edit", blame):
            self._napalm.load_merge_candidate(config="\n".join(line.text for line in lines))

    def load_whole(self, text: str) -> None:
        """Put a whole configuration into a new candidate, in place of what is there."""
        self._new_session()
        with self._step("edit"):
            self._napalm.load_replace_candidate(config=text)

    def compare(self) -> str:
        """What the candidate changes, as the device shows it; empty for nothing."""
        with self._step("validate"):
            return self.shown(str(self._napalm.compare_config()))

    def commit(self, revert_in: int | None) -> None:
        """Put the candidate into effect: for `revert_in` seconds until confirmed, or for good where None."""
        with self._step("commit"):
            self._napalm.commit_config(revert_in=revert_in)

    def confirm(self) -> None:
        """Make the commit that waits permanent."""
        with self._step("confirm"):
            self._napalm.confirm_commit()

    def rollback(self, step: str) -> None:
        """Undo the commit that waits to be confirmed, or else go back to before the last one."""
        with self._step(step):
            self._napalm.rollback()

    def discard(self) -> None:
        """Give up the candidate."""
        with self._step("discard"):
            self._napalm.discard_config()

    def abort(self, session: str) -> None:
        """Give up a candidate of an earlier connection."""
        with self._step("lock"):
            self.platform.abort(self._napalm, session)

    def take_up(self, session: str | None) -> None:
        """Go on with a session that NAPALM has put out of its mind."""
        self.platform.name_session(self._napalm, session)

    def close(self) -> None:
        """Close; what is not confirmed is left to the device, which undoes it by itself."""
        self.platform.name_session(self._napalm, None)
        with contextlib.suppress(DeviceError), self._step("close"):
            self._napalm.close()

    # ── inside ───────────────────────────────────────────────────────────────────────────────────

    def _new_session(self) -> None:
        self.platform.name_session(self._napalm, f"{SESSION}{secrets.token_hex(6)}")

    @contextlib.contextmanager
    def _step(self, step: str, blame: Callable[[str], Attachment | None] = lambda said: None) -> Iterator[None]:
        """Speak of whatever fails in terms of the device and this step.

        Nothing is chained to the error: the causes hold what was sent, and a traceback would print it.
        """
        try:
            yield
        except SdnctlError:
            raise
        except Exception as error:
            raise self._libraries.tell(self.device, step, error, self.shown, blame) from None


def number_option(target: Target, option: str, default: int, least: int, most: int) -> int:
    """A whole number from a target's options; raises DeviceRefused for anything else."""
    text = target.options.get(option)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise DeviceRefused(
            Diagnostic(
                "napalm-option",
                f"{option} of {target.device} is {text!r}, not a number of seconds from {least} to {most}",
                f"device {target.device}, option {option}",
            )
        )
    return int(text)


def _trust(target: Target, address: Address) -> tuple[ssl.SSLContext | None, HostKeys | None]:
    """How the device's certificate is checked: by fingerprint, by a file of authorities, or by the system's."""
    if address.scheme == "http":
        return None, None
    known = target.options.get("host_key")
    if known is None or known.startswith("file:"):
        try:
            path = known.removeprefix("file:") if known is not None else None
            return ssl.create_default_context(cafile=path), None
        except (OSError, ssl.SSLError) as error:
            raise DeviceError(
                Diagnostic(
                    "bad-host-key",
                    f"{known} is not a file of certificates",
                    f"device {target.device}, option host_key",
                    detail=error.strerror or type(error).__name__,
                )
            ) from None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the fingerprint is of this one certificate, whatever name it bears
    context.verify_mode = ssl.CERT_NONE
    return context, host_keys(target, address.host, address.port)


def _libraries() -> ModuleType:
    """What imports NAPALM. One thread at a time: what it does to warnings is for the whole process."""
    with _importing:
        from sdnctl_napalm import libraries

        return libraries

"""
The options that every server has: where it listens, and who may use it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from twisted.internet.abstract import isIPAddress
from twisted.python import usage

from trailcam.errors import SecretsError
from trailcam.server.admission import Admission
from trailcam.tap.options import HelpfulOptions, check_login_key, number, usage_errors
from trailcam.wire.constants import LOGIN_KEY

_T = TypeVar("_T")

#: The address that is all addresses.
EVERYWHERE: Final = "0.0.0.0"


class ServerOptions(HelpfulOptions):
    """
    Options of a server; one with a usual port adds ``--port``.

    :ivar port: the checked port number.
    :ivar interface: the checked address to listen on.
    :ivar admission: who may use it.
    :ivar login_key: the key text of sealed logins.
    """

    synopsis = "--devices FILE | --open [options]"

    optParameters = [
        ["interface", "i", EVERYWHERE, "IPv4 address to listen on; 0.0.0.0 is all."],
        ["devices", "d", None, "File of the devices that may log in, with hashed secrets."],
        ["login-key", None, LOGIN_KEY, "Key text of the device login; the agents need the same."],
    ]

    optFlags = [
        ["open", None, "Let everybody log in, and everybody ask for any device."],
        ["clients-without-secret", None, "Do not ask clients for the secret of the device."],
    ]

    def parseArgs(self, *args: str) -> None:
        """No argument has a meaning of its own."""
        if args:
            raise usage.UsageError(f"unexpected argument {args[0]!r}; there are only options")

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        with usage_errors():
            self.port = self.spelt("port", port_number)
            self.interface = self.spelt("interface", _interface)
            self.login_key = check_login_key("--login-key", self["login-key"])
            self.admission = self._checked_admission()

    def spelt(self, option: str, spell: Callable[[str], _T]) -> _T:
        """What an option spells; :raises ValueError: naming the option."""
        try:
            return spell(self[option])
        except ValueError as problem:
            raise ValueError(f"--{option}: {problem}") from problem

    def _checked_admission(self) -> Admission:
        if self["open"]:
            for option in ("devices", "clients-without-secret"):
                if self[option]:
                    raise ValueError(f"--open: lets everybody in; leave --{option} out")
            return Admission.open_to_all()
        if self["devices"] is None:
            raise ValueError("--devices: name the file of the devices, or say --open")
        try:
            return Admission.load(self["devices"], not self["clients-without-secret"])
        except SecretsError as problem:
            raise ValueError(f"--devices: {problem}") from problem


def port_number(text: str) -> int:
    """A port; 0 is any free one.  :raises ValueError: for anything else."""
    port = number(text)
    if not isinstance(port, int) or not 0 <= port <= 65535:
        raise ValueError(f"{text!r} is not a port number, 0 to 65535")
    return port


def _interface(text: str) -> str:
    if not isIPAddress(text):
        raise ValueError(f"{text!r} is not an IPv4 address; 0.0.0.0 is all interfaces")
    return text

"""
``twist trailcam-agent``: beside a camera, lets clients in to it from anywhere.
"""

from __future__ import annotations

from typing import Any

from twisted.application.service import IService
from twisted.logger import Logger
from twisted.python import usage

from trailcam.agent.doorkeeper import DEFAULT_CLIENTS
from trailcam.agent.identity import Identity
from trailcam.agent.service import Post, agent_service
from trailcam.connect.relay_address import check_relay
from trailcam.connect.target import Target, check_address, check_did, check_host
from trailcam.tap.options import HelpfulOptions, check_login_key, number, own_did, usage_errors
from trailcam.tap.secretfile import read_secret, readers_of_secret
from trailcam.wire.constants import LOGIN_KEY
from trailcam.wire.did import TRAILCAM_DID, DeviceID

_log = Logger()

#: A camera has fewer slots than that.
_MOST_CLIENTS = 32


class Options(HelpfulOptions):
    """
    Which camera, under which id, by which servers.

    :ivar post: the checked wish, after parsing.
    """

    synopsis = (
        "--camera ADDRESS --uid ID --secret-file FILE [--rendezvous HOST:PORT] [--relay HOST:PORT]"
    )
    longdesc = (
        "Logs in at rendezvous and relay servers under an id of your own, and bridges the clients "
        "that come through them to the camera beside it."
    )

    optParameters = [
        ["camera", "c", None, "IPv4 address or host name of the camera."],
        ["uid", "u", None, "Device id to log in with, one of your own."],
        ["camera-uid", None, None, f"The camera's id. [default: {TRAILCAM_DID}]"],
        ["secret-file", None, None, "File whose first line is the secret that goes with --uid."],
        ["login-key", None, LOGIN_KEY, "Key text of the login; the servers need the same."],
        ["max-clients", None, str(DEFAULT_CLIENTS), "Clients that are served at a time."],
    ]

    optFlags = [
        ["no-secret", None, "Log in without a secret, at servers that are open to everybody."],
    ]

    def __init__(self) -> None:
        super().__init__()
        self.update({"rendezvous": [], "relay": []})
        self.post: Post | None = None

    def opt_rendezvous(self, text: str) -> None:
        """HOST:PORT of a rendezvous server; may be repeated."""
        self["rendezvous"].append(text)

    def opt_relay(self, text: str) -> None:
        """HOST:PORT or tls:HOST:PORT[:trustRoots=FOLDER] of a relay server; may be repeated."""
        self["relay"].append(text)

    def parseArgs(self, *args: str) -> None:
        """No argument has a meaning of its own."""
        if args:
            raise usage.UsageError(
                f"unexpected argument {args[0]!r}; the camera is named by --camera ADDRESS"
            )

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        with usage_errors():
            self.post = self._checked_post()

    def _checked_post(self) -> Post:
        if self["camera"] is None:
            raise ValueError("--camera: the address of the camera is needed")
        rendezvous = [check_address("--rendezvous", text) for text in self["rendezvous"]]
        relays = [check_relay("--relay", text) for text in self["relay"]]
        if not rendezvous and not relays:
            raise ValueError("--rendezvous: at least one server is needed, here or as --relay")
        return Post(
            camera=Target(
                host=check_host("--camera", self["camera"]),
                did=check_did("--camera-uid", self["camera-uid"]),
            ),
            identity=Identity(
                self._checked_uid(),
                self._checked_secret(),
                check_login_key("--login-key", self["login-key"]),
            ),
            rendezvous=tuple(dict.fromkeys(rendezvous)),
            relays=tuple(dict.fromkeys(relays)),
            max_clients=_clients(self["max-clients"]),
        )

    def _checked_uid(self) -> DeviceID:
        if self["uid"] is None:
            raise ValueError("--uid: an id of your own is needed, such as MYCAM-000001-ABCDE")
        return own_did("--uid", check_did("--uid", self["uid"]))

    def _checked_secret(self) -> bytes | None:
        path = self["secret-file"]
        if self["no-secret"]:
            if path is not None:
                raise ValueError("--no-secret: leave it or --secret-file out")
            return None
        if path is None:
            raise ValueError(
                "--secret-file: the secret of --uid is needed; "
                "for servers that are open to everybody say --no-secret"
            )
        return read_secret(path)


def makeService(options: Options) -> IService:
    """The agent that :class:`Options` describe."""
    from twisted.internet import reactor

    warning = readers_of_secret(options["secret-file"])
    if warning is not None:
        _log.warn("{problem}", problem=warning)
    assert options.post is not None  # parsed
    return agent_service(reactor, options.post)


def _clients(text: str) -> int:
    count: Any = number(text)
    if not isinstance(count, int) or not 1 <= count <= _MOST_CLIENTS:
        raise ValueError(f"--max-clients: {text!r} is not a whole number, 1 to {_MOST_CLIENTS}")
    return count

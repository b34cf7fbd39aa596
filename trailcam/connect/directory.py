"""
Relays from a directory: a small JSON document, fetched over HTTP or HTTPS, and kept for bad days.

The document is an object with one list; what else it holds is ignored::

    {"relays": [{"host": "relay.example", "port": 65527, "tls": true}]}

``host`` is an IPv4 address or a host name, ``port`` the control port, ``tls`` whether it speaks TLS
(default: false).  At most 64 KiB, not compressed.  A copy is kept in the user's cache folder: its
ETag spares fetching the same again, and it serves when the directory cannot be fetched or read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import attrs
from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred, TimeoutError, fail
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.web.client import Agent, HTTPConnectionPool, ResponseDone
from twisted.web.http import NOT_MODIFIED, OK, PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent
from zope.interface import implementer

from trailcam.connect.files import read_small, replace
from trailcam.connect.race import first_outcome, nothing_to_give_back
from trailcam.connect.relay_address import RelayAddress, check_relay
from trailcam.errors import DirectoryError
from trailcam.waiting import settle, settle_all

if TYPE_CHECKING:
    from twisted.web._newclient import HTTP11ClientProtocol
    from twisted.web.iweb import IBodyProducer, IResponse

#: Seconds that fetching may take.
FETCH_TIMEOUT = 10.0

_MOST_OCTETS = 64 * 1024
_MOST_CACHED = 8 * _MOST_OCTETS  # JSON in JSON
_LONGEST_ETAG = 200


def parse_directory(body: bytes) -> tuple[RelayAddress, ...]:
    """
    The relays in a directory.

    :raises DirectoryError: when it is no directory, or lists none; says what is wrong where.
    """
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise DirectoryError(f"it is not JSON: {problem}") from problem
    entries = document.get("relays") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise DirectoryError('it is not an object with a list of "relays"')
    if not entries:
        raise DirectoryError("it lists no relays")
    return tuple(_relay(number, entry) for number, entry in enumerate(entries, 1))


def _relay(number: int, entry: object) -> RelayAddress:
    name = f"relay {number}"
    if not isinstance(entry, dict):
        raise DirectoryError(f"{name} is not an object")
    for key in ("host", "port"):
        if key not in entry:
            raise DirectoryError(f'{name}: "{key}" is missing')
    tls = entry.get("tls", False)
    if not isinstance(tls, bool):
        raise DirectoryError(f'{name}: "tls" is neither true nor false')
    place = RelayAddress(entry["host"], entry["port"], "" if tls else None)
    try:
        return check_relay(name, place)
    except ValueError as problem:
        raise DirectoryError(str(problem)) from problem


@attrs.frozen
class _Copy:
    """What a directory said when it was last read."""

    relays: tuple[RelayAddress, ...]
    etag: str | None


class Cache:
    """The copy of one directory, in a file.  Whatever is wrong with it is no reason to stop."""

    _log = Logger()

    def __init__(self, folder: Path, url: str) -> None:
        """:param folder: the user's cache folder of this package; made when it is first needed."""
        digest = hashlib.sha256(url.encode()).hexdigest()[:16]
        self.path = folder / "relays" / f"{digest}.json"
        self._url = url

    def load(self) -> _Copy | None:
        """The copy, if there is a good one."""
        try:
            kept = json.loads(read_small(self.path, _MOST_CACHED))
            if kept["url"] != self._url:
                return None
            etag = kept["etag"] if isinstance(kept["etag"], str) else None
            return _Copy(parse_directory(kept["body"].encode()), etag)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError) as why:
            self._complain("cannot be used", why)
        except DirectoryError as why:
            self._complain("is damaged", why)
        return None

    def store(self, body: bytes, etag: str | None) -> None:
        """Keep a directory that was just read."""
        kept = {"url": self._url, "etag": etag, "body": body.decode("utf-8", "replace")}
        try:
            replace(self.path, json.dumps(kept).encode("ascii"))
        except OSError as problem:
            self._complain("cannot be written", problem)

    def _complain(self, what: str, problem: Exception) -> None:
        self._log.warn(
            "the copy of the directory of relays in {path} {what}: {problem}; going on without it",
            path=str(self.path),
            what=what,
            problem=problem,
        )


class Directory:
    """One directory of relays."""

    _log = Logger()

    def __init__(
        self, reactor: Any, url: str, folder: Path | None = None, agent: IAgent | None = None
    ) -> None:
        """
        :param reactor: provides IReactorTime, IReactorTCP and IReactorPluggableNameResolver.
        :param url: http or https.
        :param folder: where the copy is kept; default: the user's cache folder.
        :param agent: asks web servers; default: one that opens what it needs, and leaves nothing
            open.
        """
        self._reactor = reactor
        self._url = url
        self._cache = Cache(_cache_folder() if folder is None else folder, url)
        self._agent = agent

    def relays(self) -> Deferred[tuple[RelayAddress, ...]]:
        """
        The relays listed there, or in the copy when the directory is of no use.

        :return: at least one; fails with :class:`~trailcam.errors.DirectoryError`.  May be
            cancelled, and settles when no connection is left.
        """
        return Deferred.fromCoroutine(self._relays())

    async def _relays(self) -> tuple[RelayAddress, ...]:
        kept = self._cache.load()
        try:
            return await self._fetch(kept)
        except DirectoryError as problem:
            if kept is None:
                raise
            self._log.warn("{problem}; using the copy that was kept", problem=str(problem))
            return kept.relays

    async def _fetch(self, kept: _Copy | None) -> tuple[RelayAddress, ...]:
        pool = _Connections(self._reactor)
        agent = self._agent or Agent(self._reactor, pool=pool)
        work = Deferred.fromCoroutine(self._ask(HTTPClient(_Plain(agent)), kept))
        # Cancelled, each layer below has a failure of its own; this has one for all.
        asking = Deferred.fromCoroutine(first_outcome([work], nothing_to_give_back))
        try:
            return await asking.addTimeout(FETCH_TIMEOUT, self._reactor)
        except CancelledError:
            raise
        except TimeoutError as problem:
            raise self._error(f"it did not answer within {FETCH_TIMEOUT:.0f} s") from problem
        except DirectoryError as problem:
            raise self._error(str(problem)) from problem
        except Exception as problem:  # each layer below has its own
            raise self._error(f"it cannot be fetched: {_reason(problem)}") from problem
        finally:
            await pool.abort()

    async def _ask(self, client: HTTPClient, kept: _Copy | None) -> tuple[RelayAddress, ...]:
        headers = Headers({"Accept": ["application/json"]})
        if kept is not None and kept.etag is not None:
            headers.setRawHeaders("If-None-Match", [kept.etag])
        response = await client.get(
            self._url, headers=headers, unbuffered=True, reactor=self._reactor
        )
        if response.code == NOT_MODIFIED and kept is not None:
            return kept.relays
        if response.code != OK:
            raise DirectoryError(f"it answered with HTTP status {response.code}")
        body = await _read(response)
        relays = parse_directory(body)
        self._cache.store(body, _etag(response))
        return relays

    def _error(self, what: str) -> DirectoryError:
        return DirectoryError(f"the directory of relays at {self._url}: {what}")


@implementer(IAgent)
class _Plain:
    """
    Asks for plain octets on behalf of treq, which asks for compressed ones and expands them before
    anybody can see how many they become.  Once it has used TLS, it does not go on without.
    """

    def __init__(self, agent: IAgent) -> None:
        self._agent = agent
        self._secure = False

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> Deferred[IResponse]:
        """See :class:`twisted.web.iweb.IAgent`; called again for each redirect."""
        secure = uri[:6].lower() == b"https:"
        if self._secure and not secure:
            return fail(DirectoryError("it leads from https to http"))
        self._secure = secure
        headers = Headers() if headers is None else headers.copy()
        headers.setRawHeaders(b"Accept-Encoding", [b"identity"])
        asking = self._agent.request(method, uri, headers, bodyProducer)
        return asking.addCallback(_check_plain)


def _check_plain(response: IResponse) -> IResponse:
    encodings = response.headers.getRawHeaders(b"Content-Encoding", [])
    if response.code == OK and any(each.strip().lower() != b"identity" for each in encodings):
        raise DirectoryError("it is compressed, although plain octets were asked for")
    return response


class _Connections(HTTPConnectionPool):
    """Remembers the connections of one request, which would otherwise close when the peer likes."""

    def __init__(self, reactor: Any) -> None:
        super().__init__(reactor, persistent=False)  # type: ignore[no-untyped-call]
        self._reactor = reactor
        self._opened: list[HTTP11ClientProtocol] = []

    def getConnection(
        self, key: Hashable, endpoint: IStreamClientEndpoint
    ) -> Deferred[HTTP11ClientProtocol]:
        """Open one."""
        return super().getConnection(key, endpoint).addCallback(self._remember)

    async def abort(self) -> None:
        """Cut off those that are still open; returns when they are gone."""
        if self._opened:
            # One that is just being lost has not noted it yet, and would say that it is open.
            await settle(deferLater(self._reactor, 0))
        await settle_all([_cut_off(protocol) for protocol in self._opened])

    def _remember(self, protocol: HTTP11ClientProtocol) -> HTTP11ClientProtocol:
        self._opened.append(protocol)
        return protocol


def _cut_off(protocol: HTTP11ClientProtocol) -> Deferred[None]:
    gone: Deferred[None] = protocol.abort()
    if not gone.called:  # else it is lost already, which Twisted's TLS cannot be twice
        cast(Any, protocol.transport).abortConnection()  # a TLS peer may never say goodbye
    return gone


class _Body(Protocol):
    """Collects a body that is not too large."""

    def __init__(self) -> None:
        self.done: Deferred[bytes] = Deferred()
        self._content = b""

    def dataReceived(self, data: bytes) -> None:
        if self.done.called:
            return
        self._content += data
        if len(self._content) > _MOST_OCTETS:
            self.done.errback(DirectoryError(f"it is larger than {_MOST_OCTETS} octets"))
            cast(Any, self.transport).stopProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(self._content)
        else:
            self.done.errback(reason)


def _read(response: IResponse) -> Deferred[bytes]:
    body = _Body()
    response.deliverBody(body)
    return body.done


def _etag(response: IResponse) -> str | None:
    """One that can be sent back as it came; its octets may be anything."""
    octets: bytes = response.headers.getRawHeaders(b"ETag", [b""])[0]
    etag = octets.decode("latin-1")
    fits = 0 < len(etag) <= _LONGEST_ETAG
    return etag if fits and etag.isascii() and etag.isprintable() else None


def _reason(problem: Exception) -> str:
    """The words of the failure within the failure that twisted.web has for everything."""
    reasons = getattr(problem, "reasons", None)
    if reasons:
        return _reason(reasons[0].value)
    return _tls_trouble(problem) or str(problem) or type(problem).__name__


def _tls_trouble(problem: Exception) -> str | None:
    """What a failure of the TLS layer means; those who have no TLS have no such failure."""
    try:
        from OpenSSL.SSL import Error
        from service_identity import VerificationError
    except ImportError:
        return None
    if isinstance(problem, VerificationError):
        return "its certificate is for another name"
    if not isinstance(problem, Error):
        return None
    detail = ", ".join(str(entry[-1]) for entry in (problem.args or [()])[0]) or "no details"
    if "certificate" in detail:
        return (
            f"its certificate is not trusted here ({detail}); "
            "the environment variable SSL_CERT_FILE may name those that are"
        )
    return f"no TLS is spoken there ({detail}): is it http:// ?"


def _cache_folder() -> Path:
    from platformdirs import user_cache_path

    return Path(user_cache_path("trailcam"))

"""Tests of directories of relays: what they may say, how they are fetched, and the copy."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from treq.testing import RequestTraversalAgent
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from twisted.web.http import OK, Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from tests.connect.logs import LogCapture
from tests.connect.relaying import RelayTestCase
from tests.connect.test_relay_sockets import Certificate
from trailcam.connect.directory import (
    FETCH_TIMEOUT,
    Cache,
    Directory,
    parse_directory,
)
from trailcam.connect.relay_address import RelayAddress
from trailcam.errors import DirectoryError

GOOD = b'{"relays": [{"host": "relay.example", "port": 65527, "tls": true}], "more": 1}'
RELAYS = (RelayAddress("relay.example", 65527, ""),)
URL = "http://relays.example/list.json"


class ParseTests(SynchronousTestCase):
    """``parse_directory``."""

    def refuse(self, document: object) -> str:
        """The complaint about a document, which is JSON unless it is octets."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return str(self.assertRaises(DirectoryError, parse_directory, body))

    def test_good(self) -> None:
        """Host, port, and TLS or not; what else is there is ignored."""
        self.assertEqual(parse_directory(GOOD), RELAYS)
        plain = {"relays": [{"host": "10.0.0.1", "port": 5, "country": "CH"}]}
        self.assertEqual(
            parse_directory(json.dumps(plain).encode()), (RelayAddress("10.0.0.1", 5),)
        )

    def test_not_json(self) -> None:
        """A web page, nothing, no text, or too deep."""
        for body in (b"<html>", b"", b"\xff\xfe", b"[" * 60000, b"\x00"):
            self.assertIn("it is not JSON", self.refuse(body))

    def test_not_a_directory(self) -> None:
        """JSON, but something else."""
        for document in ([], 5, None, {}, {"relays": {}}, {"relays": None}):
            self.assertIn('list of "relays"', self.refuse(document))

    def test_empty(self) -> None:
        """A list without relays."""
        self.assertEqual(self.refuse({"relays": []}), "it lists no relays")

    def test_bad_entries(self) -> None:
        """The first entry that is wrong is named by its number."""
        good = {"host": "a.example", "port": 5}
        for bad, words in (
            ("a.example:5", "not an object"),
            ({"port": 5}, 'relay 2: "host" is missing'),
            ({"host": 5, "port": 5}, "host name"),
            ({"host": "a b", "port": 5}, "host name"),
            ({"host": "a.example"}, 'relay 2: "port" is missing'),
            ({"host": "a.example", "port": 0}, "outside 1..65535"),
            ({"host": "a.example", "port": "5"}, "not a port"),
            ({"host": "a.example", "port": True}, "not a port"),
            ({"host": "a.example", "port": 5, "tls": "yes"}, '"tls" is neither'),
            ({"host": "a.example", "port": 10**400}, "outside 1..65535"),
        ):
            complaint = self.refuse({"relays": [good, bad]})
            self.assertTrue(complaint.startswith("relay 2"), complaint)
            self.assertIn(words, complaint)
            self.assertLess(len(complaint), 300)

    @settings(max_examples=100, deadline=None, derandomize=True)
    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=8),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["relays", "host", "port", "tls"]), inner)
            ),
        )
    )
    def test_any_json(self, document: object) -> None:
        """Whatever it holds, it is a directory or a DirectoryError."""
        try:
            relays = parse_directory(json.dumps(document).encode())
        except DirectoryError:
            return
        self.assertGreater(len(relays), 0)


class CacheTests(SynchronousTestCase):
    """The copy."""

    def setUp(self) -> None:
        """A cache in a folder that is not there yet."""
        self.folder = Path(self.mktemp()) / "deep"
        self.cache = Cache(self.folder, URL)
        self.log = LogCapture(self)

    def test_nothing(self) -> None:
        """In the beginning there is no copy, which is no reason to complain."""
        self.assertIsNone(self.cache.load())
        self.assertEqual(self.log.lines(), [])

    def test_kept(self) -> None:
        """What is stored is there later, and nothing else is left in the folder."""
        self.cache.store(GOOD, '"abc"')
        kept = Cache(self.folder, URL).load()
        assert kept is not None
        self.assertEqual((kept.relays, kept.etag), (RELAYS, '"abc"'))
        self.assertEqual(list(self.cache.path.parent.iterdir()), [self.cache.path])

    def test_replaced(self) -> None:
        """A newer one takes its place."""
        self.cache.store(GOOD, '"abc"')
        self.cache.store(GOOD, None)
        kept = self.cache.load()
        assert kept is not None
        self.assertIsNone(kept.etag)

    def test_one_for_each_url(self) -> None:
        """Directories do not share it; nor does one whose digest were the same."""
        self.cache.store(GOOD, None)
        other = Cache(self.folder, URL + "?2")
        self.assertIsNone(other.load())
        other.path = self.cache.path
        self.assertIsNone(other.load())

    def test_damaged(self) -> None:
        """A damaged copy is none, and the log says so."""
        self.cache.store(GOOD, None)
        whole = self.cache.path.read_text()
        for damage in (
            "",
            whole[:-5],
            "[]",
            "5",
            "{}",
            json.dumps({"url": URL, "etag": None, "body": 5}),
            json.dumps({"url": URL, "etag": None, "body": "[]"}),
            "[" * 60000,
            "x" * 600_000,
        ):
            self.log.clear()
            self.cache.path.write_text(damage)
            self.assertIsNone(self.cache.load(), damage[:50])
            self.assertEqual(len(self.log.lines()), 1, damage[:50])
        self.cache.path.unlink()
        self.cache.path.mkdir()
        self.assertIsNone(self.cache.load())

    def test_odd_etag(self) -> None:
        """An ETag that is no text is none."""
        self.cache.path.parent.mkdir(parents=True)
        self.cache.path.write_text(json.dumps({"url": URL, "etag": 5, "body": GOOD.decode()}))
        kept = self.cache.load()
        assert kept is not None
        self.assertIsNone(kept.etag)

    def test_not_writable(self) -> None:
        """Where nothing can be written, the log says so, and that is all."""
        with mock.patch("os.replace", side_effect=OSError(28, "No space left on device")):
            self.cache.store(GOOD, None)
        self.assertEqual(list(self.cache.path.parent.iterdir()), [])
        self.assertIn("No space left on device", self.log.lines()[0])


class Web(Resource):
    """
    A web server with one page, and how it treats those who ask.

    :ivar asked: the If-None-Match of each request.
    :ivar accepted: the Accept-Encoding of each request.
    :ivar encoding: the Content-Encoding of each answer.
    :ivar moves: where pages have gone.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str | None] = []
        self.code = OK
        self.body = GOOD
        self.etag: str | bytes | None = None
        self.silent = False
        self.encoding: str | None = None
        self.accepted: list[str | None] = []
        self.moves: dict[bytes, bytes] = {}

    def render_GET(self, request: Request) -> object:
        """Answer."""
        self.asked.append(request.getHeader("If-None-Match"))
        self.accepted.append(request.getHeader("Accept-Encoding"))
        if self.silent:
            return NOT_DONE_YET
        if request.path in self.moves:
            request.redirect(self.moves[request.path])
            return b""
        request.setResponseCode(self.code)
        if self.encoding is not None:
            request.setHeader("Content-Encoding", self.encoding)
        if self.etag is not None:
            etag = self.etag if isinstance(self.etag, bytes) else self.etag.encode()
            if request.setETag(etag):
                return b""
        return self.body


class DirectoryTests(SynchronousTestCase):
    """A directory that is served without a network."""

    def setUp(self) -> None:
        """The server, the clock, the log."""
        self.web = Web()
        self.agent: Any = RequestTraversalAgent(self.web)
        self.folder = Path(self.mktemp())
        self.clock = Clock()
        self.log = LogCapture(self)

    def ask(self, url: str = URL) -> Deferred[Any]:
        """Ask for the relays; each time with an object of its own, as each attempt has."""
        return Directory(self.clock, url, self.folder, self.agent).relays()

    def relays(self) -> Any:
        """The relays."""
        return self.successResultOf(self.ask())

    def complaint(self) -> str:
        """Why there are none."""
        complaint = str(self.failureResultOf(self.ask(), DirectoryError).value)
        self.assertTrue(complaint.startswith(f"the directory of relays at {URL}: "), complaint)
        return complaint

    def tearDown(self) -> None:
        """No timer is left."""
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_good(self) -> None:
        """The relays, and no word in the log."""
        self.assertEqual(self.relays(), RELAYS)
        self.assertEqual((self.web.asked, self.log.lines()), ([None], []))

    def test_etag(self) -> None:
        """The second time the server is asked whether there is anything new."""
        self.web.etag = '"v1"'
        self.relays()
        self.assertEqual(self.relays(), RELAYS)
        self.assertEqual(self.web.asked, [None, '"v1"'])

    def test_new_version(self) -> None:
        """When there is, it is read and kept."""
        self.web.etag = '"v1"'
        self.relays()
        self.web.etag, self.web.body = '"v2"', b'{"relays": [{"host": "10.0.0.1", "port": 5}]}'
        self.assertEqual(self.relays(), (RelayAddress("10.0.0.1", 5),))
        self.relays()
        self.assertEqual(self.web.asked, [None, '"v1"', '"v2"'])

    def test_no_etag(self) -> None:
        """Without an ETag, or with an absurd one, it is read each time."""
        for self.web.etag in (None, '"' + "x" * 5000 + '"', b'"caf\xe9"', '"café"', b'"a\x01b"'):
            self.assertEqual(self.relays(), RELAYS)
        self.relays()
        self.assertEqual(self.web.asked, [None] * 6)

    def test_not_modified_without_a_copy(self) -> None:
        """A server that says "as before" to who was never there."""
        self.web.code, self.web.body = 304, b""
        self.assertIn("HTTP status 304", self.complaint())

    def test_status(self) -> None:
        """Anything but 200 is no directory."""
        for self.web.code in (204, 404, 500):
            self.assertIn(f"it answered with HTTP status {self.web.code}", self.complaint())

    def test_not_json(self) -> None:
        """A web page instead."""
        self.web.body = b"<html>not found</html>"
        self.assertIn("it is not JSON", self.complaint())

    def test_empty(self) -> None:
        """Nothing in it."""
        for self.web.body in (b"", b'{"relays": []}'):
            self.complaint()

    def test_too_large(self) -> None:
        """At most 64 KiB are read."""
        self.web.body = GOOD + b" " * (64 * 1024 - len(GOOD))
        self.relays()
        self.web.body += b" "
        folder, self.folder = self.folder, Path(self.mktemp())
        self.assertIn("larger than 65536 octets", self.complaint())
        self.folder = folder

    def test_plain(self) -> None:
        """Plain octets are asked for, and a server may say that it sends them."""
        self.web.encoding = "identity"
        self.assertEqual(self.relays(), RELAYS)
        self.assertEqual(self.web.accepted, ["identity"])

    def test_compressed(self) -> None:
        """What is compressed all the same is not expanded: it may become anything."""
        self.web.body = gzip.compress(GOOD)
        for self.web.encoding in ("gzip", "GZIP", "identity, gzip", "br"):
            self.assertIn("it is compressed", self.complaint())
        self.web.code = 404
        self.assertIn("HTTP status 404", self.complaint())

    def test_moved(self) -> None:
        """It may move, even to TLS, but from there not back to where everybody can change it."""
        secure = URL.replace("http:", "https:")
        self.web.moves[b"/list.json"] = b"HTTPS://relays.example/2"
        for url in (URL, secure):
            self.assertEqual(self.successResultOf(self.ask(url)), RELAYS)
        self.web.moves[b"/2"] = b"http://relays.example/3"
        for url in (URL, secure):
            folder, self.folder = self.folder, Path(self.mktemp())
            error = self.failureResultOf(self.ask(url), DirectoryError).value
            self.folder = folder
            self.assertEqual(
                str(error), f"the directory of relays at {url}: it leads from https to http"
            )

    def test_copy_serves(self) -> None:
        """What was once good serves when it is not any more; the log says why."""
        self.relays()
        for self.web.code, self.web.body in ((500, b""), (200, b"<html>")):
            self.log.clear()
            self.assertEqual(self.relays(), RELAYS)
            (line,) = self.log.lines()
            self.assertIn(URL, line)
            self.assertIn("using the copy", line)

    def test_timeout(self) -> None:
        """A server that does not answer is waited for ten seconds."""
        self.web.silent = True
        asking = self.ask()
        self.clock.advance(FETCH_TIMEOUT - 0.1)
        self.assertNoResult(asking)
        self.clock.advance(0.1)
        error = self.failureResultOf(asking, DirectoryError).value
        self.assertIn("it did not answer within 10 s", str(error))

    def test_cancel(self) -> None:
        """Cancelling is no failure of the directory, and no reason to use the copy."""
        self.relays()
        self.web.silent = True
        asking = self.ask()
        asking.cancel()
        self.failureResultOf(asking, CancelledError)
        self.assertEqual(self.log.lines(), [])

    def test_default_folder(self) -> None:
        """The copy is kept in the user's cache folder."""
        with mock.patch("platformdirs.user_cache_path", return_value=self.folder) as asked:
            Directory(self.clock, URL, agent=self.agent).relays()
        asked.assert_called_once_with("trailcam")
        self.assertEqual(len(list((self.folder / "relays").iterdir())), 1)


class MemoryTests(RelayTestCase):
    """A directory on a network in memory, where nothing may be left open."""

    def setUp(self) -> None:
        """A web server."""
        super().setUp()
        self.web = Web()
        self.host = self.network.host("203.0.113.80", "relays.example")
        site: Any = Site(self.web, reactor=self.host)  # type: ignore[no-untyped-call]
        self.closers.append(self.host.listenTCP(80, site).stopListening)
        self.folder = Path(self.mktemp())

    def ask(self, url: str = URL) -> Deferred[Any]:
        """Ask for the relays."""
        return Directory(self.client, url, self.folder).relays()

    def settled(self, asking: Deferred[Any]) -> Any:
        """What it comes to; then nothing is open."""
        left: list[int] = []
        asking.addBoth(lambda result: left.append(len(self.client.tcp.streams)) or result)
        self.network.run_until(lambda: asking.called and left)
        self.assertEqual(left, [0])
        return asking

    def test_good(self) -> None:
        """The connection is gone before the relays are told."""
        self.assertEqual(self.successResultOf(self.settled(self.ask())), RELAYS)

    def test_too_large(self) -> None:
        """What never ends is left."""
        self.web.body = b" " * 10_000_000
        error = self.failureResultOf(self.settled(self.ask()), DirectoryError).value
        self.assertIn("larger", str(error))

    def test_unreachable(self) -> None:
        """Refused, no such name, no way: the reason is in the text."""
        for url, words in (
            ("http://relays.example:81/", "refused"),
            ("http://nowhere.example/", "nowhere.example"),
            ("http://203.0.113.99/", "10 s"),
        ):
            error = self.failureResultOf(self.settled(self.ask(url)), DirectoryError).value
            self.assertIn(words, str(error))

    def test_not_http(self) -> None:
        """Something that is no web server."""
        for answer in (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx",
        ):
            with self.speaking(answer):
                asking = self.settled(self.ask("http://relays.example:22/"))
                error = self.failureResultOf(asking, DirectoryError).value
                self.assertIn("it cannot be fetched: ", str(error))

    def tls(self, port: int, name: str) -> Path:
        """The web server with TLS; the result is a file with its certificate for ``name``."""
        certificate = Certificate(Path(self.mktemp()), name)
        site: Any = Site(self.web, reactor=self.host)  # type: ignore[no-untyped-call]
        listening = self.host.listenTCP(port, certificate.wrapped(site))
        self.closers.append(listening.stopListening)
        return certificate.folder / "cert.pem"

    def test_tls_trouble(self) -> None:
        """
        A certificate of one's own, one for another name, no TLS at all: the words say which, and
        the copy serves.
        """
        log = LogCapture(self)
        self.tls(443, "relays.example")
        wrong_name = self.tls(444, "other.example")
        patch = mock.patch.dict(os.environ, SSL_CERT_FILE=str(wrong_name))
        patch.start()
        self.addCleanup(patch.stop)
        speaking = self.speaking(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.closers.append(speaking.__exit__)
        for port, words in (
            (443, "its certificate is not trusted here (certificate verify failed)"),
            (444, "its certificate is for another name"),
            (22, "no TLS is spoken there (wrong version number): is it http:// ?"),
        ):
            url = f"https://relays.example:{port}/"
            error = self.failureResultOf(self.settled(self.ask(url)), DirectoryError).value
            self.assertIn(f"{url}: it cannot be fetched: {words}", str(error))
            self.assertNotIn("[(", str(error))
            Cache(self.folder, url).store(GOOD, None)
            self.assertEqual(self.successResultOf(self.settled(self.ask(url))), RELAYS)
        self.assertEqual(len(log.lines()), 3, log.lines())

    def speaking(self, answer: bytes) -> Any:
        """A server that says this to whoever connects, and hangs up."""

        class Speaker(Protocol):
            def connectionMade(self) -> None:
                assert self.transport is not None
                self.transport.write(answer)
                self.transport.loseConnection()

        port = self.host.listenTCP(22, Factory.forProtocol(Speaker))
        return _Closing(port.stopListening, self.network.advance)

    def test_redirect(self) -> None:
        """A directory may move."""
        self.web.putChild(b"", self.web)

        def moved(request: Request) -> bytes:
            if request.uri == b"/list.json":
                request.redirect(b"http://relays.example/elsewhere")
                return b""
            return GOOD

        with mock.patch.object(self.web, "render_GET", moved, create=True):
            self.assertEqual(self.successResultOf(self.settled(self.ask())), RELAYS)

    def test_cancel_at_every_moment(self) -> None:
        """Whenever it is cancelled, nothing is left."""
        for events in range(60):
            asking = self.ask()
            left = iter(range(events, -1, -1))
            self.network.run_until(lambda left=left: next(left) == 0)
            if asking.called:
                break
            asking.cancel()
            self.failureResultOf(self.settled(asking), CancelledError)
            self.network.advance(0.1)
        self.assertGreaterEqual(events, 5)
        self.successResultOf(self.settled(asking))


class _Closing:
    """Closes something behind a block."""

    def __init__(self, close: Callable[[], object], advance: Callable[[float], None]) -> None:
        self._close = close
        self._advance = advance

    def __enter__(self) -> None:
        """Nothing to do."""

    def __exit__(self, *_: object) -> None:
        """Close."""
        self._close()
        self._advance(0.1)


class SocketTests(TestCase):
    """A directory on real sockets."""

    async def test_fetch(self) -> None:
        """It is fetched, kept, and asked for with its ETag; trial sees that nothing is left."""
        web = Web()
        web.etag = '"v1"'
        site: Any = Site(web)  # type: ignore[no-untyped-call]
        port: Any = reactor.listenTCP(0, site, interface="127.0.0.1")  # type: ignore[attr-defined]
        self.addCleanup(port.stopListening)
        url = f"http://127.0.0.1:{port.getHost().port}/"
        folder = Path(self.mktemp())
        for _ in range(2):
            self.assertEqual(await Directory(reactor, url, folder).relays(), RELAYS)
        self.assertEqual(web.asked, [None, '"v1"'])

    async def test_tls(self) -> None:
        """It is fetched over TLS where the certificate is one of SSL_CERT_FILE."""
        certificate = Certificate(Path(self.mktemp()))
        site: Any = Site(Web())  # type: ignore[no-untyped-call]
        listen: Any = reactor.listenTCP  # type: ignore[attr-defined]
        port = listen(0, certificate.wrapped(site), interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        directory = Directory(
            reactor, f"https://localhost:{port.getHost().port}/", Path(self.mktemp())
        )
        with mock.patch.dict(os.environ, SSL_CERT_FILE=str(certificate.folder / "cert.pem")):
            self.assertEqual(await directory.relays(), RELAYS)

"""Tests of relay addresses: what people may write, and where it leads."""

from __future__ import annotations

import warnings
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.endpoints import HostnameEndpoint, TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from trailcam.connect.relay_address import RelayAddress, check_relay


class CheckTests(SynchronousTestCase):
    """``check_relay``."""

    def refuse(self, value: object) -> str:
        """The complaint about a value."""
        complaint = str(self.assertRaises(ValueError, check_relay, "relay", value))
        self.assertTrue(complaint.startswith("relay: "), complaint)
        self.assertLess(len(complaint), 500)
        return complaint

    def test_plain(self) -> None:
        """Host and port, as a text, a pair or a value."""
        wanted = RelayAddress("relay.example", 65527)
        for value in ("relay.example:65527", ("relay.example", 65527), wanted):
            self.assertEqual(check_relay("relay", value), wanted)

    def test_tls(self) -> None:
        """With TLS, and with the options of Twisted's endpoints."""
        self.assertEqual(check_relay("r", "tls:a.example:5"), RelayAddress("a.example", 5, ""))
        for options in (
            "trustRoots=/",
            "bindAddress=127.0.0.1",
            "trustRoots=/:bindAddress=10.0.0.1",
        ):
            relay = check_relay("relay", f"tls:a.example:5:{options}")
            self.assertEqual(relay, RelayAddress("a.example", 5, options))

    def test_written_as_read(self) -> None:
        """The text of an address is what it was made of."""
        for text in ("a.example:1", "tls:10.0.0.1:2", "tls:a.example:3:trustRoots=/"):
            self.assertEqual(str(check_relay("relay", text)), text)

    def test_malformed(self) -> None:
        """The complaint says what is expected, and shows what was given."""
        for value in ("relay.example", "tls:", "tls:a", "tls:a:x", "a:-1", 5, None, ("a",), b"a:1"):
            complaint = self.refuse(value)
            self.assertIn("expected HOST:PORT or tls:HOST:PORT", complaint)
            self.assertIn(repr(value), complaint)

    def test_bad_halves(self) -> None:
        """Host and port are checked as usual."""
        self.assertIn("outside 1..65535", self.refuse("tls:relay.example:65536"))
        self.assertIn("outside 1..65535", self.refuse(("relay.example", 0)))
        self.assertIn("is not the address of one", self.refuse("tls:224.0.0.1:5"))
        self.assertIn("host name", self.refuse(RelayAddress("a b", 5)))
        self.assertIn("host name", self.refuse("ssl:a.example:5"))

    def test_bad_options(self) -> None:
        """What Twisted says of an option is passed on; folders are looked at."""
        self.assertIn("colour", self.refuse("tls:a.example:5:colour=blue"))
        self.assertIn("timeout", self.refuse("tls:a.example:5:30"))
        self.assertIn("No such file", self.refuse("tls:a.example:5:trustRoots=/nonexistent"))
        self.assertIn("No such file", self.refuse("tls:a.example:5:certificate=/nonexistent.pem"))

    def test_no_endpoint_within(self) -> None:
        """An endpoint leads to one port, so the data ports could not be reached."""
        self.assertIn("several", self.refuse(r"tls:a.example:5:endpoint=tcp\:b\:6"))

    def test_tls_missing(self) -> None:
        """Without the libraries it is said how to get them; without TLS nobody misses them."""
        with mock.patch(
            "trailcam.connect.relay_address._tls", side_effect=ImportError("no OpenSSL here")
        ):
            complaint = self.refuse("tls:a.example:5")
            check_relay("relay", "a.example:5")
        self.assertIn("pip install 'trailcam[tls]'", complaint)
        self.assertIn("no OpenSSL here", complaint)

    def test_no_warnings(self) -> None:
        """That it is checked without a reactor is nobody's business."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            check_relay("relay", "tls:a.example:5")

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(st.one_of(st.text(max_size=30), st.text(max_size=30).map("tls:{}".format), st.tuples()))
    def test_any_value(self, value: object) -> None:
        """Whatever is given is taken, or refused with a ValueError that names the argument."""
        try:
            relay = check_relay("relay", value)
        except ValueError as problem:
            self.assertTrue(str(problem).startswith("relay: "), problem)
        else:
            self.assertEqual(check_relay("relay", str(relay)), relay)


class EndpointTests(SynchronousTestCase):
    """``endpoint``."""

    def endpoint(self, text: str, *args: Any, **options: Any) -> Any:
        """The endpoint of the address that ``text`` spells."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # this reactor has no resolver
            endpoint = check_relay("relay", text).endpoint(MemoryReactorClock(), *args, **options)
        verifyObject(IStreamClientEndpoint, endpoint)
        return endpoint

    def test_kinds(self) -> None:
        """Literals need no resolver."""
        self.assertIsInstance(self.endpoint("10.0.0.1:5"), TCP4ClientEndpoint)
        self.assertIsInstance(self.endpoint("relay.example:5"), HostnameEndpoint)
        self.assertIsInstance(self.endpoint("relay.example:5", host="::1"), TCP6ClientEndpoint)

    def test_where_to(self) -> None:
        """Port, timeout and the resolved address can be given."""
        for host, wanted in ((None, "10.0.0.1"), ("10.0.0.9", "10.0.0.9")):
            endpoint = self.endpoint("10.0.0.1:5", 61000, 2.5, host)
            found = endpoint._host, endpoint._port, endpoint._timeout
            self.assertEqual(found, (wanted, 61000, 2.5))

    def test_tls(self) -> None:
        """With TLS, too; seconds are whole ones then, rounded up."""
        for host in ("10.0.0.9", "fe80::1"):
            endpoint = self.endpoint("tls:relay.example:5", 61000, 2.5, host)
            inner = endpoint._wrappedEndpoint
            found = inner._host, inner._port, inner._timeout
            self.assertEqual(found, (host, 61000, 3))

    def test_tls_by_name(self) -> None:
        """Without one the name is resolved."""
        inner = self.endpoint("tls:relay.example:5")._wrappedEndpoint
        self.assertIsInstance(inner, HostnameEndpoint)

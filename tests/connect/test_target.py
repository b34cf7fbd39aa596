"""Tests of what a user may ask for: every refusal names its argument."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.target import (
    DEFAULT_PORTS,
    Target,
    check_address,
    check_did,
    check_host,
    check_mode,
    check_port,
    check_ports,
    check_seconds,
    check_secret,
    check_url,
    check_weights,
)
from trailcam.errors import DeviceIDError
from trailcam.model import ConnectionMode
from trailcam.wire.did import TRAILCAM_DID, DeviceID

CHECKS: tuple[Callable[[str, object], Any], ...] = (
    check_host,
    check_port,
    check_ports,
    check_seconds,
    check_did,
    check_mode,
    check_weights,
    check_address,
    check_url,
    check_secret,
)

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400), 65536, 0])
    | st.floats()
    | st.text(max_size=300)
    | st.binary(max_size=20)
    | st.from_regex(r"[0-9a-z.:_-]{1,30}", fullmatch=True)
    | st.sampled_from([*ConnectionMode, TRAILCAM_DID, object, object()])
)
_hashable = st.none() | st.booleans() | st.integers() | st.text(max_size=10)
junk = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(_hashable, inner, max_size=3)
    ),
    max_leaves=5,
)


class Unprintable:
    """Something whose representation is broken."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


class CheckTestCase(SynchronousTestCase):
    """What a check refuses, and how."""

    def refuse(self, check: Callable[[str, object], object], value: object) -> str:
        """The message of the refusal, which begins with the argument's name."""
        error = self.assertRaises(ValueError, check, "the_argument", value)
        message = str(error)
        self.assertTrue(message.startswith("the_argument: "), message)
        return message


class HostTests(CheckTestCase):
    """Addresses and host names."""

    def test_address(self) -> None:
        """An IPv4 literal stays as it is; spaces around it go."""
        self.assertEqual(check_host("camera_ip", " 192.168.43.1\n"), "192.168.43.1")

    def test_host_names(self) -> None:
        """Names of one or more labels, also with the final dot, digits and underscores."""
        for name in ("camera", "camera.local", "my_cam-1.example.org.", "4cams.lan", "x" * 63):
            self.assertEqual(check_host("camera_ip", name), name)

    def test_nothing(self) -> None:
        """Neither nothing nor spaces nor another type is a host."""
        for value in ("", "   ", None, 5, b"192.168.43.1", ["192.168.43.1"]):
            self.assertIn("expected an IPv4 address", self.refuse(check_host, value))

    def test_multicast(self) -> None:
        """Multicast, unspecified and broadcast addresses are no camera's."""
        for value in ("224.0.0.1", "239.255.255.250", "0.0.0.0", "255.255.255.255"):
            self.assertIn("not the address of one camera", self.refuse(check_host, value))

    def test_malformed_address(self) -> None:
        """What was meant to be an address is called one, with an example."""
        for value in ("192.168.43", "192.168.43.256", "1.2.3.4.5", "192.168.043.1", "42"):
            self.assertIn("looks like 192.168.43.1", self.refuse(check_host, value))

    def test_port_in_host(self) -> None:
        """A port does not belong here; IPv6 is not spoken."""
        for value in ("192.168.43.1:40611", "camera:80", "::1", "[fe80::1]"):
            self.assertIn("without a port", self.refuse(check_host, value))

    def test_malformed_name(self) -> None:
        """Empty labels, bad characters, hyphens at the edge, and too long names."""
        names = ("a..b", ".", "-a", "a-", "a b", "a/b", "käse", "a\0b", "x" * 64, "abc." * 64)
        for value in names:
            self.assertIn("neither an IPv4 address nor", self.refuse(check_host, value))

    def test_long_names_are_cut(self) -> None:
        """A message is short whatever was given."""
        self.assertLess(len(self.refuse(check_host, "!" * 100_000)), 300)


class PortTests(CheckTestCase):
    """Port numbers."""

    def test_range(self) -> None:
        """1 and 65535 are ports; their neighbours are not."""
        self.assertEqual([check_port("p", 1), check_port("p", 65535)], [1, 65535])
        for value in (0, -1, 65536, 10**5000):
            self.assertIn("outside 1..65535", self.refuse(check_port, value))

    def test_type(self) -> None:
        """Only integers are port numbers, and booleans are none."""
        for value in ("80", 80.0, None, True, b"80", Unprintable()):
            self.assertIn("is not a port number", self.refuse(check_port, value))

    def test_order_and_duplicates(self) -> None:
        """The order is the order of preference; of duplicates the first stays."""
        self.assertEqual(check_ports("p", [80, 40611, 80, 1, 40611]), (80, 40611, 1))

    def test_any_iterable(self) -> None:
        """Tuples, generators and ranges will do."""
        self.assertEqual(check_ports("p", (port for port in (5, 6))), (5, 6))
        self.assertEqual(check_ports("p", range(7, 9)), (7, 8))

    def test_empty(self) -> None:
        """No port is not enough."""
        self.assertIn("at least one port", self.refuse(check_ports, ()))

    def test_not_a_list(self) -> None:
        """A number, or a text that happens to be iterable, is no list of ports."""
        for value in (80, "80", b"80", None):
            self.assertIn("expected a list", self.refuse(check_ports, value))

    def test_bad_element(self) -> None:
        """One bad element spoils the list."""
        self.refuse(check_ports, (80, "40611"))
        self.refuse(check_ports, (80, 0))

    def test_too_many(self) -> None:
        """More than 1024 ports is a scan; an endless list is refused at its first bad number."""
        self.assertEqual(len(check_ports("p", range(1, 1025))), 1024)
        self.assertIn("1025 ports are too many", self.refuse(check_ports, range(1, 1026)))
        self.assertIn("65536", self.refuse(check_ports, itertools.count(1)))


class SecondsTests(CheckTestCase):
    """Times."""

    def test_numbers(self) -> None:
        """Integers and floats above zero, as floats."""
        seconds = check_seconds("max_connection_time", 3)
        self.assertEqual((seconds, type(seconds)), (3.0, float))
        self.assertEqual(check_seconds("max_connection_time", 0.001), 0.001)

    def test_not_positive(self) -> None:
        """Zero, negative, nan, infinite, and integers that no float can hold."""
        for value in (0, 0.0, -1, -0.5, float("nan"), float("inf"), 10**400, -(10**5000)):
            self.assertIn("finite number of seconds above 0", self.refuse(check_seconds, value))

    def test_type(self) -> None:
        """Texts and booleans are no times."""
        for value in ("30", None, True, [30]):
            self.assertIn("is not a number of seconds", self.refuse(check_seconds, value))


class DidTests(CheckTestCase):
    """Device ids."""

    def test_default(self) -> None:
        """Nothing said: every TrailCam's id."""
        self.assertEqual(check_did("uid", None), TRAILCAM_DID)

    def test_text_and_value(self) -> None:
        """A text is parsed, a value is taken."""
        did = DeviceID("ABC", 12, "XYZ")
        self.assertEqual(check_did("uid", "abc-000012-xyz"), did)
        self.assertIs(check_did("uid", did), did)

    def test_malformed(self) -> None:
        """A plain ValueError with the argument's name, not the decoder's own error."""
        for value in ("", "LBCS", "LBCS-1-X", "LBCS-99999999999-CCCJJ", "LBCS-9999999999-CCCJJ"):
            self.refuse(check_did, value)
        error = self.assertRaises(ValueError, check_did, "uid", "LBCS")
        self.assertNotIsInstance(error, DeviceIDError)

    def test_type(self) -> None:
        """Octets and numbers are no ids."""
        for value in (b"LBCS-000000-CCCJJ", 5, ()):
            self.assertIn("such as LBCS-000000-CCCJJ", self.refuse(check_did, value))


class WeightTests(CheckTestCase):
    """Modes and their weights."""

    def test_modes(self) -> None:
        """A mode is given by value or as itself."""
        self.assertIs(check_mode("m", "p2p"), ConnectionMode.P2P)
        self.assertIs(check_mode("m", ConnectionMode.LAN), ConnectionMode.LAN)

    def test_unknown_mode(self) -> None:
        """The known ones are listed."""
        for value in ("P2P", "wifi", None, 3, [1]):
            self.assertIn("known are p2p, lan, relay", self.refuse(check_mode, value))

    def test_none(self) -> None:
        """No weights are no weights."""
        self.assertEqual(check_weights("mode_weights", None), {})

    def test_weights(self) -> None:
        """Keys may be mixed, zero is a weight."""
        weights = check_weights("mode_weights", {"p2p": 1, ConnectionMode.LAN: 0.0})
        self.assertEqual(weights, {ConnectionMode.P2P: 1.0, ConnectionMode.LAN: 0.0})

    def test_bad_mode(self) -> None:
        """An unknown mode is refused here too."""
        self.assertIn("unknown mode 'wifi'", self.refuse(check_weights, {"wifi": 1.0}))

    def test_bad_weight(self) -> None:
        """Negative, nan, infinite, huge, and what is no number."""
        for weight in (-0.1, float("nan"), float("inf"), 10**400, "1", None, True):
            self.assertIn("from 0 up", self.refuse(check_weights, {"p2p": weight}))

    def test_not_a_mapping(self) -> None:
        """A list of pairs is not what was asked for."""
        for value in ([("p2p", 1.0)], "p2p", 1.0):
            self.assertIn("expected a mapping", self.refuse(check_weights, value))


class AddressTests(CheckTestCase):
    """``HOST:PORT``."""

    def test_text_and_pair(self) -> None:
        """As a text and as a pair."""
        self.assertEqual(check_address("rendezvous", "server.org:32100"), ("server.org", 32100))
        self.assertEqual(check_address("rendezvous", ("10.0.0.1", 5)), ("10.0.0.1", 5))

    def test_malformed(self) -> None:
        """Without port, with a port that is no number, or of another type."""
        for value in ("server.org", "server.org:", "server.org:x", "a:٣", "a:-1", 5, None, ("a",)):
            self.assertIn("expected HOST:PORT", self.refuse(check_address, value))
        self.refuse(check_address, "a:" + "9" * 5000)

    def test_bad_halves(self) -> None:
        """Either half is checked as usual."""
        self.assertIn("without a port", self.refuse(check_address, "::1:80"))
        self.assertIn("outside 1..65535", self.refuse(check_address, "server.org:65536"))
        self.assertIn("IPv4 address", self.refuse(check_address, ":80"))
        self.refuse(check_address, ("224.0.0.1", 80))
        self.refuse(check_address, ("10.0.0.1", "80"))


class UrlTests(CheckTestCase):
    """Where a directory of relays is."""

    def test_good(self) -> None:
        """http and https, with port, path and query."""
        for url in (
            "http://relays.example",
            "https://10.0.0.1:8443/list.json",
            "https://a.example/x?y=z#part",
            "HTTPS://a.example/",
        ):
            self.assertEqual(check_url("relay_directory", url), url)

    def test_not_a_url(self) -> None:
        """Other schemes, no host, no text, and what would break a request."""
        for value in (
            "relays.example",
            "ftp://relays.example/",
            "file:///etc/passwd",
            "http://",
            "http:///path",
            "http://a.example/a b",
            "http://a.example/\r\nHost: b",
            "http://é.example/",
            b"http://a.example/",
            5,
            None,
        ):
            self.assertIn("expected an http or https URL", self.refuse(check_url, value))

    def test_malformed(self) -> None:
        """Halves that cannot be."""
        self.assertIn("is not a URL", self.refuse(check_url, "http://a.example:x/"))
        self.assertIn("is not a URL", self.refuse(check_url, "http://[::1/"))
        self.assertIn("outside 1..65535", self.refuse(check_url, "http://a.example:0/"))
        self.refuse(check_url, "http://224.0.0.1/")
        self.refuse(check_url, "http://a_b..c/")

    def test_too_long(self) -> None:
        """Nobody needs so long a one."""
        url = "http://a.example/" + "x" * 3000
        self.assertIn("at most 2000", self.refuse(check_url, url))

    def test_passwords(self) -> None:
        """A password would end up in logs; it does not end up in the error."""
        for url in ("http://me:sesame@a.example/", "http://me@a.example/", "http://:@a.example/"):
            self.assertNotIn("sesame", self.refuse(check_url, url))


class SecretTests(CheckTestCase):
    """A device's secret."""

    def test_good(self) -> None:
        """Its octets, NUL-padded."""
        self.assertEqual(check_secret("secret", "correcthorse"), b"correcthorse".ljust(24, b"\0"))

    def test_bad(self) -> None:
        """Wrong length, wrong characters, no text; it is not shown."""
        for value in ("sesame", "s" * 25, "open sesame!", "sesame-é-sesame", b"sesame-sesame", 5):
            self.assertNotIn("sesame", self.refuse(check_secret, value))


class JunkTests(CheckTestCase):
    """Whatever is given."""

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(value=junk)
    def test_only_value_errors(self, value: object) -> None:
        """A check accepts, or raises a ValueError that names the argument and stays short."""
        for check in CHECKS:
            try:
                check("the_argument", value)
            except ValueError as error:
                self.assertTrue(str(error).startswith("the_argument: "), str(error))
                self.assertLess(len(str(error)), 1000)


class TargetTests(SynchronousTestCase):
    """The value itself."""

    def test_defaults(self) -> None:
        """The guide's ports in the guide's order, and every TrailCam's id."""
        target = Target()
        self.assertEqual(target.ports, (40611, 32100, 32108, 10000, 80, 57743))
        self.assertEqual(DEFAULT_PORTS, target.ports)
        self.assertEqual((target.host, target.did), (None, TRAILCAM_DID))

    def test_named(self) -> None:
        """In a sentence a camera is its address, or its id when it has none."""
        self.assertEqual(Target("192.168.43.1").named(), "192.168.43.1")
        self.assertEqual(Target().named(), "camera LBCS-000000-CCCJJ")

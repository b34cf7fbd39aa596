"""
The options of a connection.
"""

from __future__ import annotations

import os
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.python.usage import UsageError
from twisted.trial.unittest import SynchronousTestCase

from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.request import Request
from trailcam.connect.target import DEFAULT_MAX_TIME, DEFAULT_PORTS, Target
from trailcam.model import ConnectionMode
from trailcam.tap.options import SECRET_VARIABLE, ConnectOptions, suggestion
from trailcam.wire.did import TRAILCAM_DID, DeviceID

P2P, LAN, RELAY = ConnectionMode
CAMERA = "--camera=192.168.43.1"


def parsed(*words: str) -> ConnectOptions:
    """The options that these words spell."""
    options = ConnectOptions()
    options.parseOptions(list(words))
    return options


class RequestTests(SynchronousTestCase):
    """What the options ask for."""

    def asked(self, *words: str) -> Request:
        """The request that these words spell."""
        return parsed(*words).request()

    def test_address_alone(self) -> None:
        """An address is tried by both direct modes, on the usual ports."""
        request = self.asked(CAMERA)
        self.assertEqual(request.target, Target("192.168.43.1", DEFAULT_PORTS, TRAILCAM_DID))
        self.assertEqual(request.modes, {P2P, LAN})
        self.assertEqual(request.max_time, DEFAULT_MAX_TIME)
        self.assertEqual(request.weights, {})
        self.assertIs(request.adaptive, False)

    def test_everything(self) -> None:
        """Every option reaches the request."""
        request = self.asked(
            "--camera=cam.example",
            "--uid=abcd-000042-wxyz",
            "--port=80",
            "--port=40611",
            "--port=80",
            "--max-time=2.5",
            "--relay=relay.example:1234",
            "--relay-directory=https://relays.example/list.json",
            "--rendezvous=one.example:32100",
            "--rendezvous=10.0.0.2:5",
            "--weight=p2p=1",
            "--weight=lan=0.5",
            "--adaptive-timeout",
            "--broadcast",
        )
        target = Target(
            host="cam.example",
            ports=(80, 40611),
            did=DeviceID("ABCD", 42, "WXYZ"),
            broadcast=True,
            rendezvous=(("one.example", 32100), ("10.0.0.2", 5)),
            relay=RelayAddress("relay.example", 1234),
            relay_directory="https://relays.example/list.json",
        )
        self.assertEqual(
            request,
            Request(target, 2.5, frozenset(ConnectionMode), {P2P: 1.0, LAN: 0.5}, adaptive=True),
        )

    def test_short_names(self) -> None:
        """The options that are typed most often have one letter."""
        request = self.asked("-c", "10.0.0.9", "-p", "5", "-p", "6", "-t", "3", "-b", "-w", "lan=2")
        self.assertEqual(request.target, Target("10.0.0.9", (5, 6), broadcast=True))
        self.assertEqual((request.max_time, request.weights), (3.0, {LAN: 2.0}))

    def test_numbers(self) -> None:
        """Numbers may be written in every plain way."""
        for text, seconds in {"3": 3.0, "+2": 2.0, ".5": 0.5, "2.": 2.0, "1e1": 10.0}.items():
            self.assertEqual(self.asked(CAMERA, f"--max-time={text}").max_time, seconds)

    def test_modes_turned_off(self) -> None:
        """Either direct mode can be left out."""
        self.assertEqual(self.asked(CAMERA, "--no-p2p").modes, {LAN})
        self.assertEqual(self.asked(CAMERA, "--no-lan").modes, {P2P})

    def test_relay_is_enabled_by_its_address(self) -> None:
        """A relay server is reason enough to try it, alone as well."""
        self.assertEqual(self.asked(CAMERA, "--relay=r:1").modes, set(ConnectionMode))
        self.assertEqual(self.asked("--no-p2p", "--no-lan", "--relay=r:1").modes, {RELAY})

    def test_no_address_is_searched_by_lan_alone(self) -> None:
        """Without an address there is nothing to punch."""
        request = self.asked()
        self.assertEqual(request.modes, {LAN})
        self.assertIsNone(request.target.host)

    def test_rendezvous_enables_all(self) -> None:
        """Who names a rendezvous server wants P2P, and the relays that it lists."""
        self.assertEqual(self.asked("--rendezvous=r:1").modes, {P2P, LAN, RELAY})
        self.assertEqual(self.asked("--rendezvous=r:1", "--no-relay").modes, {P2P, LAN})

    def test_directory_enables_relay(self) -> None:
        """A directory is reason enough, too."""
        self.assertEqual(self.asked("--relay-directory=http://a.example/").modes, {LAN, RELAY})

    def test_own_id_at_servers_is_not_searched(self) -> None:
        """No camera on the LAN has an id of one's own, so servers are asked alone."""
        own = "--uid=MYCAM-000001-ABCDE"
        servers = {
            "--rendezvous=r:1": {P2P, RELAY},
            "--relay=r:1": {RELAY},
            "--relay-directory=http://a.example/": {RELAY},
        }
        for server, modes in servers.items():
            self.assertEqual(self.asked(own, server).modes, modes)
            self.assertEqual(self.asked(own, server, "--broadcast").modes, modes | {LAN})
            self.assertEqual(self.asked(own, server, CAMERA).modes, modes | {P2P, LAN})
        self.assertEqual(self.asked(own).modes, {LAN})

    def test_tls_relay(self) -> None:
        """A relay with TLS keeps its options."""
        relay = self.asked("--relay=tls:relay.example:443:trustRoots=/").target.relay
        self.assertEqual(relay, RelayAddress("relay.example", 443, "trustRoots=/"))

    def test_demo_races_both_modes(self) -> None:
        """The demonstration has an address of its own."""
        self.assertEqual(self.asked("--demo").modes, {P2P, LAN})

    def test_two_objects_share_nothing(self) -> None:
        """Repeated options are collected for each command line by itself."""
        parsed(CAMERA, "--port=5")
        self.assertEqual(self.asked(CAMERA).target.ports, DEFAULT_PORTS)

    def test_help_names_the_usual_ports(self) -> None:
        """The ports that are tried can be read in the help."""
        self.assertIn(", ".join(map(str, DEFAULT_PORTS)), str(ConnectOptions()))


class MistakeTests(SynchronousTestCase):
    """What is wrong is said in one line that names the option."""

    def refused(self, *words: str) -> str:
        """The complaint about these words."""
        complaint = str(self.assertRaises(UsageError, parsed, *words))
        self.assertNotIn("\n", complaint)
        return complaint

    def test_values(self) -> None:
        """Each value is checked, and the complaint begins with its option."""
        for words, complaint in {
            "--port=70000": "--port: port 70000 is outside 1..65535",
            "--port=0": "--port: port 0 is outside 1..65535",
            "--port=http": "--port: 'http' is not a port number",
            "--port=5.5": "--port: expected a whole number, got 5.5",
            "--port=80.0": "--port: expected a whole number, got 80.0",
            "--port=4_0": "--port: '4_0' is not a port number",
            "--port= 80 ": "--port: ' 80 ' is not a port number",
            "--port=٨٠": "--port: '٨٠' is not a port number",
            "--port=-1": "--port: port -1 is outside 1..65535",
            "--max-time=1_0.5": "--max-time: '1_0.5' is not a number of seconds",
            "--max-time=٣": "--max-time: '٣' is not a number of seconds",
            "--max-time=1.2.3": "--max-time: '1.2.3' is not a number of seconds",
            "--max-time=soon": "--max-time: 'soon' is not a number of seconds",
            "--max-time=0": "--max-time: must be a finite number of seconds above 0, got 0",
            "--max-time=nan": "--max-time: must be a finite number of seconds above 0, got nan",
            "--weight=lan": "--weight: expected MODE=W such as lan=0.8, got 'lan'",
            "--weight=fax=1": "--weight: unknown mode 'fax'; known are p2p, lan, relay",
        }.items():
            self.assertEqual(self.refused(CAMERA, words), complaint)

    def test_addresses(self) -> None:
        """What is said of addresses begins with the option as well."""
        for option in (
            "--camera=",
            "--camera=300.1.1.1",
            "--camera=224.0.0.1",
            "--uid=nonsense",
            "--relay=nowhere",
            "--relay=tls:nowhere",
            "--relay=tls:r.example:1:trustRoots=/nonexistent",
            "--relay-directory=ftp://a.example/",
            "--rendezvous=host:99999",
            "--weight=lan=-1",
            "--weight=lan=much",
        ):
            name = option.partition("=")[0]
            self.assertTrue(self.refused(option).startswith(f"{name}: "), option)

    def test_long_values(self) -> None:
        """What is very long is cut, and a number of many digits is only a number."""
        for option in ("uid", "port", "camera", "max-time"):
            for character in "a5":
                self.assertLess(len(self.refused(f"--{option}={character * 100_000}")), 400)

    def test_no_mode_left(self) -> None:
        """When nothing could be tried, the option that is to blame is named."""
        own = "--uid=MYCAM-000001-ABCDE"
        for words, blamed in {
            (CAMERA, "--no-p2p", "--no-lan"): "--no-p2p --no-lan: ",
            (CAMERA, "--no-p2p", "--no-lan", "--no-relay"): "--no-p2p --no-lan: ",
            ("--rendezvous=r:1", "--no-p2p", "--no-lan", "--no-relay"): (
                "--no-p2p --no-lan --no-relay: "
            ),
            ("--rendezvous=r:1", own, "--no-p2p", "--no-relay"): "--no-p2p --no-relay: ",
            ("--no-lan", "--no-p2p"): "--no-lan: ",
        }.items():
            self.assertTrue(self.refused(*words).startswith(blamed), words)
        self.assertIn("--camera", self.refused("--no-lan"))
        self.assertIn(
            "--broadcast", self.refused("--rendezvous=r:1", own, "--no-p2p", "--no-relay")
        )
        self.assertTrue(
            self.refused(CAMERA, "--weight=p2p=0", "--weight=lan=0").startswith("--weight: ")
        )

    def test_one_mode_may_weigh_nothing(self) -> None:
        """Weight 0 turns one mode off, which is no mistake."""
        request = parsed(CAMERA, "--weight=p2p=0").request()
        self.assertEqual(request.weights, {P2P: 0.0})

    def test_contradictions(self) -> None:
        """Options that exclude each other are named both."""
        self.assertIn("--no-lan", self.refused(CAMERA, "--broadcast", "--no-lan"))
        for option in (
            "--camera=1.2.3.4",
            "--uid=ABCD-000042-WXYZ",
            "--port=5",
            "--broadcast",
            "--relay=r:1",
            "--relay-directory=http://a.example/",
            "--rendezvous=r:1",
            "--secret-file=x",
        ):
            complaint = self.refused("--demo", option)
            self.assertTrue(complaint.startswith("--demo: "))
            self.assertIn(option.partition("=")[0], complaint)

    def test_no_relay_and_a_relay(self) -> None:
        """Naming relays and wanting none is a contradiction."""
        for option in ("--relay=r:1", "--relay-directory=http://a.example/"):
            complaint = self.refused(CAMERA, "--no-relay", option)
            self.assertTrue(complaint.startswith("--no-relay: "))
            self.assertIn(option.partition("=")[0], complaint)

    def test_mistyped_option(self) -> None:
        """An unknown option is answered with the one that was meant."""
        self.assertEqual(
            self.refused("--camra=1.2.3.4"),
            "option --camra not recognized; did you mean --camera?",
        )
        self.assertEqual(self.refused("--xyzzy"), "option --xyzzy not recognized")

    def test_ambiguous_option(self) -> None:
        """An abbreviation that fits more than one option is answered with all of them."""
        self.assertTrue(
            self.refused("--no").endswith("; did you mean --no-lan or --no-p2p or --no-relay?")
        )

    def test_missing_value(self) -> None:
        """An option without its value is not taken for a mistyped one."""
        self.assertEqual(self.refused("--port"), "option --port requires argument")

    def test_argument(self) -> None:
        """An address without its option is answered with the option."""
        self.assertEqual(
            self.refused("192.168.43.1"),
            "unexpected argument '192.168.43.1'; a camera is named by --camera ADDRESS",
        )

    @settings(max_examples=100, deadline=None)
    @given(
        st.sampled_from(
            [
                "camera",
                "uid",
                "port",
                "max-time",
                "relay",
                "relay-directory",
                "rendezvous",
                "secret-file",
                "weight",
            ]
        ),
        st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=20),
    )
    def test_any_text(self, option: str, text: str) -> None:
        """Whatever is typed is either understood or refused with the option's name."""
        try:
            parsed(f"--{option}={text}").request()
        except UsageError as problem:
            self.assertTrue(str(problem).startswith("--"), problem)


class SecretTests(SynchronousTestCase):
    """The camera's secret, which no command line shows."""

    SECRET = "correcthorse"
    DSK = b"correcthorse".ljust(24, b"\0")

    def setUp(self) -> None:
        """No secret in the environment."""
        patch = mock.patch.dict(os.environ)
        patch.start()
        self.addCleanup(patch.stop)
        os.environ.pop(SECRET_VARIABLE, None)

    def file(self, content: str) -> str:
        """A file with this content."""
        path = self.mktemp()
        Path(path).write_text(content, encoding="utf-8")
        return path

    def secret(self, *words: str) -> bytes | None:
        """The secret that these words lead to."""
        return parsed(CAMERA, *words).request().target.secret

    def test_none(self) -> None:
        """Without either there is none; an empty variable is none, too."""
        self.assertIsNone(self.secret())
        os.environ[SECRET_VARIABLE] = ""
        self.assertIsNone(self.secret())

    def test_file(self) -> None:
        """The first line of the file, however it ends, without the blanks around."""
        blanks = f" \t{self.SECRET}  \n"
        for content in (self.SECRET, f"{self.SECRET}\n", f"{self.SECRET}\r\nmore\n", blanks):
            self.assertEqual(self.secret(f"--secret-file={self.file(content)}"), self.DSK)

    def test_variable(self) -> None:
        """The environment, unless there is a file."""
        os.environ[SECRET_VARIABLE] = self.SECRET
        self.assertEqual(self.secret(), self.DSK)
        other = self.secret(f"--secret-file={self.file('batterystaple')}")
        self.assertEqual(other, b"batterystaple".ljust(24, b"\0"))

    def test_demo_needs_none(self) -> None:
        """The demonstration does not mind what the environment holds."""
        os.environ[SECRET_VARIABLE] = "short"
        self.assertIsNone(parsed("--demo").target.secret)

    def test_bad(self) -> None:
        """What is wrong is named, and the secret is not shown."""
        for content in ("", "short", "with a space", "s" * 25, "sécret-sécret", "x" * 5000):
            problem = self.assertRaises(
                UsageError, self.secret, f"--secret-file={self.file(content)}"
            )
            self.assertTrue(str(problem).startswith("--secret-file: "), problem)
            self.assertFalse(content and content in str(problem), problem)
        os.environ[SECRET_VARIABLE] = "short"
        problem = self.assertRaises(UsageError, self.secret)
        self.assertTrue(str(problem).startswith(f"{SECRET_VARIABLE}: "), problem)
        self.assertNotIn("short", str(problem))

    def test_first_line(self) -> None:
        """The complaint names the file, and that it is about its first line."""
        for content, words in (
            ("", " is empty"),
            (f"\n{self.SECRET}\n", " is empty"),
            ("short\n", ": a secret has 8 to 24 characters, not 5"),
        ):
            path = self.file(content)
            problem = self.assertRaises(UsageError, self.secret, f"--secret-file={path}")
            self.assertEqual(str(problem), f"--secret-file: the first line of {path!r}{words}")

    def test_unreadable(self) -> None:
        """A file that is not there, is a folder, or cannot be one."""
        for path in ("/nonexistent/secret", "/", "a\0b"):
            problem = self.assertRaises(UsageError, self.secret, f"--secret-file={path}")
            self.assertIn("cannot be read", str(problem))

    def test_not_shown(self) -> None:
        """Nobody who prints a request prints the secret."""
        os.environ[SECRET_VARIABLE] = self.SECRET
        self.assertNotIn(self.SECRET, repr(parsed(CAMERA).request()))

    def test_not_an_option(self) -> None:
        """There is no option for the secret itself."""
        self.assertRaises(UsageError, parsed, CAMERA, "--secret=correcthorse")


class SuggestionTests(SynchronousTestCase):
    """Guessing what was meant."""

    def test_beginning(self) -> None:
        """The beginning of a word stands for it."""
        self.assertEqual(suggestion("con", ["connect", "decode"]), "; did you mean connect?")

    def test_slip(self) -> None:
        """A slip of the finger is forgiven, and the prefix shown."""
        self.assertEqual(suggestion("conect", ["connect"], "--"), "; did you mean --connect?")
        self.assertEqual(suggestion("dmo", ["demo", "demo"], "--"), "; did you mean --demo?")

    def test_nothing_like_it(self) -> None:
        """Nothing is better than a silly guess."""
        self.assertEqual(suggestion("xyzzy", ["connect", "decode"]), "")
        self.assertEqual(suggestion("", ["connect"]), "")

    def test_the_word_itself(self) -> None:
        """A word that is known was not mistyped."""
        self.assertEqual(suggestion("port", ["port", "ports"]), "")

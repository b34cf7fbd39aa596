"""The laboratory of NATs, as far as it can be tested without the rights to build one."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import signal
import sys
from argparse import ArgumentTypeError
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.scripts import ROOT

TOOLS = ROOT / "tools"


def load(name: str) -> ModuleType:
    """A module of the folder of tools, which is no package."""
    sys.path.insert(0, str(TOOLS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(TOOLS))


natlab, nat_network, nat_probe, nat_programs = map(
    load, ("natlab", "nat_network", "nat_probe", "nat_programs")
)
Kind, Pair, Result = nat_network.Kind, natlab.Pair, natlab.Result


class LaboratoryTestCase(SynchronousTestCase):
    """Runs the script in this process."""

    def setUp(self) -> None:
        """Nobody may touch the machine: no namespace is made, and no program started."""
        self.patch(nat_network, "_order", self.ordered)
        self.patch(natlab.signal, "signal", lambda *signals: None)
        self.orders: list[Sequence[str]] = []
        self.failing = ""

    def ordered(self, command: Sequence[str], text: str | None = None) -> None:
        """Instead of running a tool."""
        self.orders.append(command)
        if self.failing and self.failing in " ".join(command):
            raise nat_network.LaboratoryError(f"no {self.failing}")

    def run_script(self, *arguments: str) -> tuple[int, str, str]:
        """Exit status, output and errors."""
        output, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            try:
                status = natlab.main(arguments)
            except SystemExit as end:
                status = end.code
        return status, output.getvalue(), errors.getvalue()


class TheoryTests(SynchronousTestCase):
    """What theory says of each pair."""

    def test_all_pairs(self) -> None:
        """There are sixteen, each once."""
        self.assertEqual(len(natlab.ALL_PAIRS), 16)
        self.assertEqual(len(set(natlab.ALL_PAIRS)), 16)

    def test_relay(self) -> None:
        """Three pairs need the relay."""
        relayed = {(p.client.value, p.agent.value) for p in natlab.ALL_PAIRS if p.expected != "p2p"}
        self.assertEqual(
            relayed,
            {
                ("symmetric", "symmetric"),
                ("symmetric", "port-restricted"),
                ("port-restricted", "symmetric"),
            },
        )
        self.assertEqual({p.expected for p in natlab.ALL_PAIRS}, {"p2p", "relay"})

    def test_follows_from_the_kinds(self) -> None:
        """A punch gets through when its port is known, or when one side lets any port in."""
        looks = nat_probe.EXPECTED
        for pair in natlab.ALL_PAIRS:
            client, agent = looks[pair.client], looks[pair.agent]
            knowable = all(look.mapping != "a port for each" for look in (client, agent))
            reachable = "anybody" in (client.filtering, agent.filtering)
            self.assertEqual(pair.expected == "p2p", knowable or reachable, pair)


class TableTests(SynchronousTestCase):
    """Results, and how they are shown."""

    EASY, HARD = Pair(Kind.NONE, Kind.SYMMETRIC), Pair(Kind.SYMMETRIC, Kind.SYMMETRIC)

    def test_verdicts(self) -> None:
        """The expected mode is good, P2P always, nothing else."""
        verdicts = [(m, Result(self.EASY, m, 1.0).ok) for m in ("p2p", "relay", "lan", None)]
        self.assertEqual(verdicts, [("p2p", True), ("relay", False), ("lan", False), (None, False)])
        verdicts = [(m, Result(self.HARD, m, 1.0).ok) for m in ("p2p", "relay", "lan", None)]
        self.assertEqual(verdicts, [("p2p", True), ("relay", True), ("lan", False), (None, False)])

    def test_rows(self) -> None:
        """One line for each pair, the columns below their heads."""
        won = natlab.row(Result(self.EASY, "p2p", 0.1234))
        self.assertEqual(won.split(), ["none", "symmetric", "p2p", "0.123", "p2p", "ok"])
        for word, head in (("none", "client"), ("p2p", "won"), ("ok", "")):
            self.assertEqual(won.index(word), natlab.HEAD.index(head) if head else len(natlab.HEAD))
        slow = natlab.row(Result(self.EASY, "relay", 2.0, "P2P cancelled"))
        self.assertTrue(slow.endswith("p2p     not ok: P2P cancelled"))
        lost = natlab.row(Result(self.HARD, None, None, "camera asleep"))
        self.assertEqual(lost.split()[2:4], ["-", "-"])
        self.assertTrue(lost.endswith("relay   not ok: camera asleep"))

    def test_summary(self) -> None:
        """How many connected, and how many of those that could did so directly."""
        results = [
            Result(self.EASY, "p2p", 1.0),
            Result(self.EASY, "relay", 1.0),
            Result(self.HARD, "relay", 1.0),
            Result(self.HARD, None, 1.0),
        ]
        self.assertEqual(natlab.summary(results), "3 of 4 connected, P2P in 1 of 2 where it can be")

    def test_json(self) -> None:
        """All that a row tells."""
        self.assertEqual(
            Result(self.HARD, None, 9.5, "why").as_json(),
            {
                "client": "symmetric",
                "agent": "symmetric",
                "mode": None,
                "seconds": 9.5,
                "error": "why",
                "expected": "relay",
                "ok": False,
            },
        )

    def test_error(self) -> None:
        """Why a race was lost is taken from all modes that tried."""
        threads = {
            "p2pConnectThread": {"mode": "p2p", "error": "nobody came"},
            "lanConnectThread": {"mode": "lan", "error": None},
            "relayConnectThread": {"mode": "relay", "error": "full"},
        }
        self.assertEqual(
            natlab.error_of({"threads_info": threads}), "p2p: nobody came; relay: full"
        )
        self.assertEqual(natlab.error_of({"threads_info": {}}), "not tried")

    def test_results(self) -> None:
        """What the client tells; when P2P did not win, how far it had come."""
        thread = {"mode": "p2p", "state": "cancelled", "phase": "punching", "error": None}
        info = {"elapsed_time": 0.5, "threads_info": {"p2pConnectThread": thread}}
        pair = self.EASY
        found = [natlab.result_of(pair, {**info, "mode": mode}) for mode in ("p2p", "relay")]
        self.assertEqual(found[0], Result(pair, "p2p", 0.5))
        self.assertEqual(
            found[1], Result(pair, "relay", 0.5, "P2P cancelled while punching: no error")
        )
        thread["error"] = "nobody came"
        self.assertEqual(natlab.result_of(pair, info), Result(pair, None, 0.5, "p2p: nobody came"))

    def test_kinds(self) -> None:
        """A kind that does something else is shown with what it should do."""
        look = nat_probe.EXPECTED[Kind.SYMMETRIC]
        self.assertTrue(natlab.look_row(Kind.SYMMETRIC, look).endswith("another       ok"))
        self.assertIn("not ok: Observation(", natlab.look_row(Kind.NONE, look))


class CommandLineTests(LaboratoryTestCase):
    """Options, and what becomes of them."""

    def test_mistakes(self) -> None:
        """A mistake is one line, and ends with 2."""
        for arguments, said in (
            (["--pair", "none"], "'none' is not two of: none, full-cone"),
            (["--pair", "none,cone"], "'none,cone' is not two of"),
            (["--pair", "none,none,none"], "is not two of"),
            (["--keep"], "--keep needs --pair"),
            (["--check", "--selftest"], "not allowed with"),
            (["--nat"], "unrecognized arguments: --nat"),
        ):
            status, output, errors = self.run_script(*arguments)
            self.assertEqual((status, output), (2, ""), arguments)
            self.assertIn(said, errors.splitlines()[-1])
        self.assertEqual(self.orders, [])

    def test_pair(self) -> None:
        """A pair is the client's kind, then the agent's."""
        pair = natlab.parse_pair("symmetric,full-cone")
        self.assertEqual(pair, Pair(Kind.SYMMETRIC, Kind.FULL_CONE))
        with self.assertRaises(ArgumentTypeError):
            natlab.parse_pair("")

    def test_no_tools(self) -> None:
        """Without the tools it says so in one line, whatever was asked for, and ends with 77."""
        self.patch(natlab.shutil, "which", lambda tool: None if tool == "nft" else f"/bin/{tool}")
        for arguments in ([], ["--check"], ["--selftest"], ["--pair", "none,none"]):
            status, output, _ = self.run_script(*arguments)
            self.assertEqual(
                (status, output),
                (77, "natlab: cannot run here: missing: nft (Debian: iproute2, nftables)\n"),
            )
        self.assertEqual(self.orders, [])

    def test_no_root(self) -> None:
        """Nor does it try anything without the rights."""
        self.tools_are_there(user=1000)
        status, output, _ = self.run_script("--check")
        self.assertEqual((status, output.count("\n")), (77, 1))
        self.assertIn("only root", output)
        self.assertEqual(self.orders, [])

    def test_no_namespaces(self) -> None:
        """Root of a container may not be allowed to either; what was made is removed."""
        self.tools_are_there()
        self.failing = "ip netns add"
        status, output, _ = self.run_script("--check")
        self.assertEqual((status, output.count("\n")), (77, 1))
        self.assertIn("cannot make namespaces with NAT: no ip netns add", output)
        self.assertEqual([order[2] for order in self.orders], ["add", "delete"])

    def test_can(self) -> None:
        """Where it can be built, one is, and removed again."""
        self.tools_are_there()
        self.without_kernel()
        self.assertEqual(self.run_script("--check"), (0, "natlab: can run here\n", ""))
        made = [order[3] for order in self.orders if order[:3] == ["ip", "netns", "add"]]
        removed = [order[3] for order in self.orders if order[:3] == ["ip", "netns", "delete"]]
        self.assertEqual(removed, made[::-1])
        names = [name.split("-", 2)[2] for name in made]
        self.assertEqual(
            names, ["internet", "server", "client", "client-nat", "agent", "agent-nat", "camera"]
        )

    def test_table(self) -> None:
        """All pairs are measured in turn, and the exit status tells whether all were good."""
        status, output, _ = self.measured(lambda pair: Result(pair, pair.expected, 0.5))
        lines = output.splitlines()
        self.assertEqual((status, len(lines), lines[0]), (0, 18, natlab.HEAD))
        self.assertEqual(lines[-1], "16 of 16 connected, P2P in 13 of 13 where it can be")
        status, output, _ = self.measured(lambda pair: Result(pair, "relay", 0.5))
        self.assertEqual(status, 1)
        self.assertIn("16 of 16 connected, P2P in 0 of 13", output)

    def test_table_as_json(self) -> None:
        """One object, whatever the number of pairs."""
        status, output, _ = self.measured(
            lambda pair: Result(pair, "p2p", 0.5), "--json", "--pair", "none,symmetric"
        )
        found: Any = json.loads(output)
        self.assertEqual((status, found["ok"], len(found["pairs"])), (0, True, 1))
        self.assertEqual(found["pairs"][0]["agent"], "symmetric")

    def test_selftest(self) -> None:
        """All kinds are looked at; the exit status tells whether they do what they should."""
        self.tools_are_there()
        self.without_kernel()
        self.patch(natlab, "observe", nat_probe.EXPECTED.get)
        status, output, _ = self.run_script("--selftest")
        self.assertEqual((status, len(output.splitlines())), (0, 5))
        status, output, _ = self.run_script("--selftest", "--json")
        self.assertEqual(json.loads(output)["symmetric"]["mapping"], "a port for each")
        self.patch(natlab, "observe", lambda kind: nat_probe.EXPECTED[Kind.NONE])
        status, output, _ = self.run_script("--selftest")
        self.assertEqual((status, output.count("not ok")), (1, 3))

    def test_broken(self) -> None:
        """A laboratory that breaks down on the way is one line, and a failure."""

        def break_down(kind: object) -> None:
            raise nat_network.LaboratoryError("nothing passes")

        self.tools_are_there()
        self.without_kernel()
        self.patch(natlab, "observe", break_down)
        self.assertEqual(self.run_script("--selftest"), (1, "", "natlab: nothing passes\n"))

    def measured(self, measure: Any, *arguments: str) -> tuple[int, str, str]:
        """Run the script with results that are made up."""
        self.tools_are_there()
        self.without_kernel()
        self.patch(natlab, "measure", lambda pair, weights, keep: measure(pair))
        return self.run_script(*arguments)

    def tools_are_there(self, user: int = 0) -> None:
        """Whoever runs the tests is this user of a machine with all tools."""
        self.patch(natlab.shutil, "which", lambda tool: f"/bin/{tool}")
        self.patch(os, "geteuid", lambda: user)

    def without_kernel(self) -> None:
        """Nothing is set in a kernel."""
        self.patch(nat_network.Network, "set", lambda *setting: None)


class EndingTests(LaboratoryTestCase):
    """Ctrl-C."""

    def test_signal(self) -> None:
        """The first signal leaves with its number, the others are ignored from then on."""
        handlers: dict[int, Any] = {}
        self.patch(natlab.signal, "signal", handlers.__setitem__)
        self.patch(natlab.shutil, "which", lambda tool: None)
        self.run_script("--check")
        self.assertEqual(set(handlers), {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
        end = self.assertRaises(SystemExit, handlers[signal.SIGINT], signal.SIGINT, None)
        self.assertEqual(end.code, 130)
        self.assertEqual(set(handlers.values()), {signal.SIG_IGN})

    def test_undisturbed(self) -> None:
        """While something is removed, signals wait."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        with nat_network.undisturbed():
            held = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        self.assertEqual(held - before, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP} - before)
        self.assertEqual(signal.pthread_sigmask(signal.SIG_BLOCK, []), before)


class RulesTests(SynchronousTestCase):
    """The rules of the routers."""

    def test_kinds(self) -> None:
        """What makes the difference is there in its kind, and in no other."""
        rules = {kind: nat_network.ruleset(kind, "10.9.8.7") for kind in Kind}
        self.assertEqual([k for k in rules if "fully-random" in rules[k]], [Kind.SYMMETRIC])
        self.assertEqual([k for k in rules if "dnat to 10.9.8.7" in rules[k]], [Kind.FULL_CONE])
        for text in rules.values():
            self.assertEqual(text.count("policy drop"), 2)
            self.assertEqual(text.count("{"), text.count("}"))

    def test_addresses(self) -> None:
        """Hosts on the same cable are in the same network, and all public ones are apart."""
        sites = [nat_network.SERVERS, nat_network.CLIENTS, nat_network.AGENTS]
        networks = set()
        for site in sites:
            host, gateway = (int(text.rpartition(".")[2]) for text in (site.public, site.gateway))
            self.assertEqual(host // 64, gateway // 64)
            networks.add(host // 64)
        self.assertEqual(len(networks), len(sites))


class TableOfSocketsTests(SynchronousTestCase):
    """Whether a program listens, from the kernel's table."""

    HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n"

    def test_ports(self) -> None:
        """A listening socket and a UDP one count, a connection from the same port does not."""
        listening = self.HEAD + "   0: 00000000:FFF7 00000000:0000 0A 00000000:00000000\n"
        waiting = self.HEAD + "   0: 0100007F:7D64 00000000:0000 07 00000000:00000000\n"
        connected = self.HEAD + "   0: 0200710B:FFF7 4200710B:A000 01 00000000:00000000\n"
        self.assertTrue(nat_programs.has_port(listening, 65527))
        self.assertTrue(nat_programs.has_port(waiting, 32100))
        self.assertFalse(nat_programs.has_port(waiting, 65527))
        self.assertFalse(nat_programs.has_port(connected, 65527))
        self.assertFalse(nat_programs.has_port(self.HEAD, 65527))


class SecretTests(SynchronousTestCase):
    """The secret that agent and client share."""

    def test_files(self) -> None:
        """The servers' file has a line for the device, and nobody else may read the secret."""
        folder = Path(self.mktemp())
        folder.mkdir()
        devices, secret = nat_programs.make_secret(folder)
        text = secret.read_text().strip()
        self.assertEqual((len(text), secret.stat().st_mode & 0o777), (24, 0o600))
        self.assertTrue(devices.read_text().startswith(f"{nat_programs.UID} sha256:"))
        self.assertNotIn(text, devices.read_text())

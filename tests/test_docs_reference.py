"""The reference pages of the documentation say what the code says."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator

from twisted.python.failure import Failure
from twisted.python.usage import Options
from twisted.trial.unittest import SynchronousTestCase

from tests.scripts import ROOT
from trailcam import Connector, ParallelConnectionManager, Target, cli, cli_camera, errors
from trailcam.commands.options import CameraOptions
from trailcam.errors import AllAttemptsFailed
from trailcam.info import success_info, threads_info
from trailcam.link.datagram import DatagramLink
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Report
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.status.snapshot import Snapshot, State
from trailcam.tap import agent as tap_agent
from trailcam.tap import connect as tap_connect
from trailcam.tap import relay as tap_relay
from trailcam.tap import rendezvous as tap_rendezvous
from trailcam.tap import simulator as tap_simulator
from trailcam.testing import MemoryNetwork
from trailcam.wire.constants import MessageType

DOCS = ROOT / "docs"
CAMERA = "192.168.43.1"


def text(page: str) -> str:
    """The source of a page."""
    return (DOCS / page).read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """The part of a page from a title to the next one of the same rank."""
    _, _, rest = text(page).partition(f"\n{title}\n")
    underline, _, body = rest.partition("\n")
    assert set(underline) in ({"-"}, {"."}), f"no section {title!r} in {page}"
    return re.split(rf"\n[^\n]+\n{re.escape(underline[0])}{{4,}}\n", body)[0]


class FacadeTests(SynchronousTestCase):
    """The reference of the manager, against the code."""

    PAGE = "reference/facade.rst"

    def test_every_code(self) -> None:
        """The diagnoses list the codes of all errors, and no others."""
        kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind)]
        codes = {kind.code for kind in kinds if issubclass(kind, errors.TrailcamError)}
        listed = re.findall(r"^   \* - ``(\w+)``$", section(self.PAGE, "Diagnoses"), re.MULTILINE)
        self.assertEqual(sorted(listed), sorted(codes))

    def test_every_argument(self) -> None:
        """The constructor's arguments are all listed, in their order."""
        arguments = list(inspect.signature(ParallelConnectionManager).parameters)
        rows = re.findall(r"^   \* - (``\w+``.*)$", section(self.PAGE, "Constructor"), re.MULTILINE)
        self.assertEqual(re.findall(r"``(\w+)``", " ".join(rows)), arguments)

    def test_every_default(self) -> None:
        """The defaults in the table are those of the signature."""
        parameters = inspect.signature(ParallelConnectionManager).parameters
        table = section(self.PAGE, "Constructor")
        rows = re.findall(r"^   \* - (``.+)\n     - ``(.+)``$", table, re.MULTILINE)
        self.assertGreaterEqual(len(rows), 9)
        for names, default in rows:
            for name in re.findall(r"\w+", names):
                value = None if name == "logger" else ast.literal_eval(default)
                self.assertEqual(parameters[name].default, value, name)

    def test_every_key(self) -> None:
        """The keys of ``info`` and of its threads are all listed, and no others."""
        report = Report(
            ConnectionMode.LAN, 1.0, tuple(AttemptReport(mode) for mode in ConnectionMode)
        )
        link = DatagramLink(None, ConnectionMode.LAN)
        link.peer = (CAMERA, 40611)
        listed = section(self.PAGE, "The info dictionary")
        keys = re.findall(r"^``(\w+)`` ", listed, re.MULTILINE)
        thread = threads_info(report)[ConnectionMode.LAN.thread_name]
        self.assertEqual(keys, [*success_info(link, report), *thread])

    def test_every_state(self) -> None:
        """The states are all listed, and no others."""
        listed = re.findall(r"^``(\w+)`` ", section(self.PAGE, "States"), re.MULTILINE)
        self.assertEqual(listed, [state.value for state in AttemptState])


class HowToTests(SynchronousTestCase):
    """The tables of the how-tos, against the code."""

    def test_every_status_key(self) -> None:
        """The keys of the status are all listed, in their order."""
        table = section("howto/stay-connected.rst", "Look at it")
        listed = re.findall(r"^``(\w+)`` ", table, re.MULTILINE)
        self.assertEqual(listed, list(Snapshot(state=State.STOPPED, since=0.0).as_json()))

    def test_faults(self) -> None:
        """A camera can have each fault that is listed, and LAN says of it what is listed."""
        table = section("howto/test-your-application.rst", "The camera's faults")
        rows = re.findall(r"^``(\w+)=(\S+)`` +\w[^`\n]*(?:``(\w+)``)?", table, re.MULTILINE)
        self.assertEqual(len(rows), 8)
        for name, value, code in rows:
            found = self._lan_says(Behaviour.recorded(**{name: ast.literal_eval(value)}))
            self.assertEqual(found, code, name)

    def _lan_says(self, behaviour: Behaviour) -> str:
        network = MemoryNetwork()
        SimulatedCamera(network.host(CAMERA), behaviour).start(interface="")
        client = network.host("192.168.43.20")
        connector = Connector(client, Target(CAMERA), max_time=5.0)
        connecting = connector.connect([ConnectionMode.LAN])
        network.advance(6.0)
        if not isinstance(connecting.result, Failure):
            return ""
        return self.failureResultOf(connecting, AllAttemptsFailed).value.failures[0].code


class CommandTests(SynchronousTestCase):
    """The reference of the commands, against their help."""

    def test_options(self) -> None:
        """Each command has the options that its section lists, and no others."""
        commands: dict[str, Options] = {
            "trailcam connect": cli.ConnectCommand(),
            "trailcam decode": cli.DecodeCommand(),
            "trailcam secret": cli.SecretCommand(),
            **{f"trailcam {name}": command() for name, command, _ in cli_camera.COMMANDS},
            "twist trailcam-connect": tap_connect.Options(),
            "twist trailcam-simulator": tap_simulator.Options(),
            "twist trailcam-rendezvous": tap_rendezvous.Options(),
            "twist trailcam-relay": tap_relay.Options(),
            "twist trailcam-agent": tap_agent.Options(),
        }
        self.assertEqual(list(_documented()), list(commands))
        for command, listed in _documented().items():
            wanted = _helped(commands[command])
            if isinstance(commands[command], CameraOptions):  # what they share is told once
                wanted = {n: s for n, s in wanted.items() if n not in _helped(CameraOptions())}
            self.assertEqual(listed, wanted, command)

    def test_commands(self) -> None:
        """Every subcommand of ``trailcam`` has a section."""
        names = {f"trailcam {name}" for name, *_ in cli.Commands().subCommands}
        self.assertEqual(names - set(_documented()), set())


def _documented() -> dict[str, dict[str, str]]:
    """For each program its options: long name to short name."""
    page = re.sub(
        r"^\.\. include:: (\S+)$",
        lambda included: text(f"reference/{included[1]}"),
        text("reference/commands.rst"),
        flags=re.MULTILINE,
    )
    _, *parts = re.split(r"^\.\. program:: ", page, flags=re.MULTILINE)
    option = r"^\.\. option:: --([\w-]+)(?: <[^>]+>)?(?:, -(\w)(?: <[^>]+>)?)?$"
    return {part.partition("\n")[0]: dict(re.findall(option, part, re.MULTILINE)) for part in parts}


def _helped(options: Options) -> dict[str, str]:
    """The options that ``--help`` shows, except those that every command has."""
    shown: str = options.getUsage()
    lines = re.findall(r"^  (?:-(\w), |    )--([\w-]+)", shown, re.MULTILINE)
    return {long: short for short, long in lines if long not in ("help", "version")}


class ProtocolTests(SynchronousTestCase):
    """The page on the protocol, against the code that refers to it."""

    PAGE = "explain/protocol.rst"

    def test_every_opcode(self) -> None:
        """Every message is there, with its opcode, and no other."""
        listed = re.findall(r"^0x([0-9A-F]{2})    (\w+)", text(self.PAGE), re.MULTILINE)
        there = {(f"{kind.value:02X}", kind.name) for kind in MessageType}
        self.assertEqual(set(listed), there)

    def test_every_reference(self) -> None:
        """The sections that docstrings name after "Protocol:" exist."""
        titles = re.findall(r"^(.+)\n(?:-{4,}|\.{4,})$", text(self.PAGE), re.MULTILINE)
        known = sorted((title.lower() for title in titles), key=len, reverse=True)
        references = list(_references())
        self.assertGreaterEqual(len(references), 15)
        for module, reference in references:
            rest = reference.lower()
            for title in known:
                rest = rest.replace(title, "")
            unknown = set(re.findall(r"\w+", rest)) - {"and", "sequence", "sequences"}
            self.assertEqual(unknown, set(), f"{module}: {reference}")


class ServersTests(SynchronousTestCase):
    """The page on the servers, against the code that refers to it."""

    def test_every_reference(self) -> None:
        """What docstrings name of it is a title there, or a term."""
        page = text("explain/servers.rst")
        references = []
        for path in (ROOT / "trailcam").rglob("*.py"):
            words = " ".join(path.read_text(encoding="utf-8").split())
            references += re.findall(r':doc:`/explain/servers`, ("[^.]+)\.', words)
        self.assertGreaterEqual(len(references), 10)
        for name in re.findall(r'"([^"]+)"', " ".join(references)):
            self.assertRegex(page, rf"(?m)^{re.escape(name)}( \(.*\))?$")


def _references() -> Iterator[tuple[str, str]]:
    for path in (ROOT / "trailcam").rglob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        words = " ".join((ast.get_docstring(module) or "").split())
        for reference in re.findall(
            r"Protocol: (.+?)(?:, (?:from )?steps? \d(?: (?:and|to) \d)?)?(?:\.  ?|\.$)", words
        ):
            yield str(path.relative_to(ROOT)), reference

"""
The rules of the house that a machine can check: who may import whom, and what nobody does.

Each rule is a function from a parsed module to what is wrong with it, so that each can be seen to
fail, too.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path, PurePath

import attrs
from twisted.trial.unittest import SynchronousTestCase

from tests.scripts import ROOT, ScriptTestCase

PACKAGE = ROOT / "trailcam"

#: What everyone may import.
COMMON = {"errors", "model", "interfaces", "waiting", "_version"}

ANY = {"*"}

#: Room -> the rooms that it may import, beside the common ones and itself.
ARROWS: dict[str, set[str]] = {
    # values and words
    "_version": set(),
    "errors": set(),
    "model": set(),
    "interfaces": set(),
    "waiting": set(),
    "info": set(),
    "terminal": set(),
    "stderrlog": set(),
    "narration": {"connect"},
    # octets
    "wire": set(),
    "artemis": set(),
    "decode": {"wire", "artemis"},
    # connections
    "link": {"wire"},
    "connect": {"link", "wire"},
    "session": {"wire"},
    "camera": {"session", "artemis"},
    # pictures on the disk
    "library": set(),
    "commands": {"library", "tap"},
    # the other side
    "simulator": {"wire", "link", "session", "artemis"},
    "server": {"wire", "link"},
    "agent": {"connect", "link", "session", "wire"},
    # showing and testing
    "status": set(),
    "testing": {"wire", "link"},
    # the reactor, from outside
    "shutdown": set(),
    "running": set(),
    "reactorthread": {"shutdown"},
    # doors of the house
    "blocking": ANY,
    "blockingcamera": ANY,
    "opening": ANY,
    "cli": ANY,
    "cli_camera": ANY,
    "cli_running": ANY,
    "console": set(),
    "tap": ANY,
    "__main__": {"cli"},
    "__init__": ANY,
}

#: Rooms that need nothing but the standard library and these.
SANS_IO = {
    "errors": set(),
    "model": {"attrs"},
    "wire": {"attrs"},
    "artemis": {"attrs", "cryptography"},
    "decode": {"attrs"},
}

#: May ask for the process's reactor, within a function.
REACTOR_FINDERS = {"cli_running", "tap", "reactorthread"}
PRINTERS = {"cli", "console", "terminal"}

Rule = Callable[["Module"], Iterator[str]]


@attrs.frozen
class Import:
    """
    One imported module.

    :ivar typing: whether only type checkers see it.
    :ivar local: whether it happens within a function.
    """

    name: str
    typing: bool
    local: bool


class Module:
    """One parsed module of the package."""

    def __init__(self, path: PurePath, source: str) -> None:
        """:param path: relative to the package."""
        self.path = path
        self.room = path.parts[0].removesuffix(".py")
        self.tree = ast.parse(source)
        self.imports = list(_imports(self.tree, typing=False, local=False))

    @property
    def rooms(self) -> set[str]:
        """The rooms that it imports from."""
        ours = [name.split(".") for name in self.names() if name.split(".")[0] == "trailcam"]
        return {parts[1] if len(parts) > 1 else "__init__" for parts in ours} - {self.room}

    def names(self, *, typing: bool = True) -> list[str]:
        """The names of the imported modules, with or without those for type checkers only."""
        return [each.name for each in self.imports if typing or not each.typing]


def _imports(node: ast.AST, *, typing: bool, local: bool) -> Iterator[Import]:
    """All imports below a node, wherever they are."""
    if isinstance(node, ast.Import):
        yield from (Import(alias.name, typing, local) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        if module != "trailcam":
            yield Import(module, typing, local)
        if module in ("trailcam", "twisted.internet"):  # what is in them are modules, too
            yield from (Import(f"{module}.{alias.name}", typing, local) for alias in node.names)
    local = local or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        for statement in node.body:
            yield from _imports(statement, typing=True, local=local)
        for statement in node.orelse:
            yield from _imports(statement, typing=typing, local=local)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _imports(child, typing=typing, local=local)


def arrows(module: Module) -> Iterator[str]:
    """Rooms import only the rooms below them."""
    if module.room not in ARROWS:
        yield f"the room {module.room} is not in the table of arrows"
        return
    allowed = ARROWS[module.room]
    if allowed is not ANY:
        wrong = module.rooms - allowed - COMMON
        yield from (f"{module.room} may not import {room}" for room in sorted(wrong))


def absolute(module: Module) -> Iterator[str]:
    """Imports name the whole module, so that the arrows can be seen."""
    yield from (f"relative import of {name}" for name in module.names() if name.startswith("."))


def sans_io(module: Module) -> Iterator[str]:
    """Values and octets need no Twisted, and little else."""
    if module.room not in SANS_IO:
        return
    for name in module.names(typing=False):
        top = name.split(".")[0]
        known = top in sys.stdlib_module_names or top == "trailcam"
        if not known and top not in SANS_IO[module.room]:
            yield f"{module.room} may not import {name}"


def bare_interfaces(module: Module) -> Iterator[str]:
    """The interfaces need no Twisted; what they mention is for type checkers."""
    if module.room == "interfaces":
        for name in module.names(typing=False):
            if name.split(".")[0] == "twisted":
                yield f"interfaces import {name}"


def reactor(module: Module) -> Iterator[str]:
    """The process's reactor is asked for in few places, and never while importing."""
    for each in module.imports:
        if each.name == "twisted.internet.reactor" and not each.typing:
            if module.room not in REACTOR_FINDERS:
                yield f"{module.room} imports the reactor"
            elif not each.local:
                yield "imports the reactor outside any function"


def _calls(module: Module) -> Iterator[str]:
    """What is called, as it is written."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def printing(module: Module) -> Iterator[str]:
    """Only the command line prints."""
    if module.room not in PRINTERS:
        yield from ("prints" for call in _calls(module) if call == "print")


_TIME = {"time.time", "time.monotonic", "time.perf_counter", "time.sleep", "datetime.now"}


def injected(module: Module) -> Iterator[str]:
    """Time and chance come from outside: a clock, a random.Random."""
    for call in _calls(module):
        if call in _TIME or (call.startswith("random.") and call != "random.Random"):
            yield f"calls {call}"
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "random.Random":
            if not node.args:
                yield "makes a random.Random without a seed"
        elif isinstance(node, ast.ImportFrom) and node.module in ("time", "random"):
            names = {alias.name for alias in node.names} - {"Random"}
            yield from (f"imports {name} from {node.module}" for name in sorted(names))


def exceptions(module: Module) -> Iterator[str]:
    """Exceptions are made in errors.py, where their codes are."""
    if module.room == "errors":
        return
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                name = ast.unparse(base).rpartition(".")[2]
                if name.endswith(("Error", "Exception")) or name in _OURS:
                    yield f"defines the exception {node.name}"


_OURS = {
    node.name
    for node in ast.parse((PACKAGE / "errors.py").read_text(encoding="utf-8")).body
    if isinstance(node, ast.ClassDef)
}

RULES: tuple[Rule, ...] = (
    arrows,
    absolute,
    sans_io,
    bare_interfaces,
    reactor,
    printing,
    injected,
    exceptions,
)


@cache
def _house() -> tuple[Module, ...]:
    """Every module of the package."""
    return tuple(
        Module(path.relative_to(PACKAGE), path.read_text(encoding="utf-8"))
        for path in sorted(PACKAGE.rglob("*.py"))
    )


class HouseTests(SynchronousTestCase):
    """The package as it is."""

    def check(self, rule: Rule) -> None:
        """No module breaks a rule."""
        offences = [
            f"trailcam/{module.path.as_posix()}: {offence}"
            for module in _house()
            for offence in rule(module)
        ]
        self.assertEqual(offences, [])

    def test_arrows(self) -> None:
        """Who may import whom."""
        self.check(arrows)

    def test_absolute(self) -> None:
        """Imports are absolute."""
        self.check(absolute)

    def test_sans_io(self) -> None:
        """Octets know no Twisted."""
        self.check(sans_io)

    def test_bare_interfaces(self) -> None:
        """Nor do interfaces."""
        self.check(bare_interfaces)

    def test_reactor(self) -> None:
        """Who asks for the process's reactor."""
        self.check(reactor)

    def test_printing(self) -> None:
        """Who prints."""
        self.check(printing)

    def test_injected(self) -> None:
        """Where time and chance come from."""
        self.check(injected)

    def test_exceptions(self) -> None:
        """Where exceptions are made."""
        self.check(exceptions)


#: Rule, path, source, and how many times the rule is broken there.
BROKEN: list[tuple[Rule, str, str, int]] = [
    (arrows, "wire/x.py", "from trailcam.link.datagram import DatagramLink", 1),
    (arrows, "wire/x.py", "from trailcam import link", 1),
    (arrows, "link/x.py", "import trailcam.session.session", 1),
    (arrows, "link/x.py", "def f():\n    from trailcam.cli import main", 1),
    (arrows, "session/x.py", "if TYPE_CHECKING:\n    from trailcam.link.noise import Noise", 1),
    (arrows, "decode/x.py", "from trailcam.simulator import Behaviour", 1),
    (arrows, "status/x.py", "from trailcam import __version__, blocking", 2),
    (arrows, "cellar/x.py", "", 1),
    (arrows, "cellar.py", "", 1),
    (arrows, "connect/x.py", "from trailcam.wire.did import DeviceID", 0),
    (arrows, "connect/x.py", "from trailcam.connect.lan import lan_attempt", 0),
    (arrows, "tap/x.py", "from trailcam.blocking import ParallelConnectionManager", 0),
    (absolute, "link/x.py", "from . import noise\nfrom ..wire import codec", 2),
    (sans_io, "wire/x.py", "from twisted.python.failure import Failure", 1),
    (sans_io, "wire/x.py", "import cryptography", 1),
    (sans_io, "artemis/x.py", "try:\n    import twisted\nexcept ImportError:\n    pass", 1),
    (sans_io, "artemis/x.py", "import cryptography, json, attrs", 0),
    (sans_io, "link/x.py", "import twisted", 0),
    (bare_interfaces, "interfaces.py", "from twisted.internet.defer import Deferred", 1),
    (
        bare_interfaces,
        "interfaces.py",
        "if TYPE_CHECKING:\n    from twisted.internet.defer import Deferred",
        0,
    ),
    (reactor, "link/x.py", "def f():\n    from twisted.internet import reactor", 1),
    (reactor, "link/x.py", "import twisted.internet.reactor", 1),
    (reactor, "tap/x.py", "from twisted.internet import reactor", 1),
    (reactor, "tap/x.py", "def makeService(o):\n    from twisted.internet import reactor", 0),
    (reactor, "reactorthread.py", "def f():\n    from twisted.internet import reactor", 0),
    (printing, "link/x.py", "print('hello')", 1),
    (printing, "cli.py", "print('hello')", 0),
    (injected, "link/x.py", "time.sleep(1); time.time(); random.random()", 3),
    (injected, "link/x.py", "from time import sleep\nfrom random import Random, choice", 2),
    (injected, "link/x.py", "random.Random()", 1),
    (injected, "link/x.py", "def f(clock=time.monotonic): random.Random(7)", 0),
    (exceptions, "link/x.py", "class Oops(Exception): ...", 1),
    (exceptions, "link/x.py", "class Oops(errors.LinkClosed): ...", 1),
    (exceptions, "link/x.py", "class Fine(Link): ...", 0),
]


class RuleTests(SynchronousTestCase):
    """The rules themselves."""

    def test_broken(self) -> None:
        """Each rule sees what breaks it, and lets the rest pass."""
        for rule, path, source, count in BROKEN:
            found = list(rule(Module(PurePath(path), source)))
            self.assertEqual(len(found), count, f"{rule.__name__}: {source!r} gave {found}")

    def test_each_can_fail(self) -> None:
        """There is an example for each rule."""
        self.assertEqual({rule for rule, *_, count in BROKEN if count}, set(RULES))


IMPORT_EACH_ALONE = """
import json, pkgutil, sys
import trailcam
from importlib import import_module

names = ["trailcam", *(m.name for m in pkgutil.walk_packages(trailcam.__path__, "trailcam."))]
problems = []
for name in names:
    if name.endswith("__main__"):
        continue
    for loaded in [n for n in sys.modules if n.split(".")[0] == "trailcam"]:
        del sys.modules[loaded]
    try:
        module = import_module(name)
    except Exception as problem:
        problems.append(f"{name}: {problem!r}")
        continue
    for value in vars(module).values():
        if isinstance(value, type) and issubclass(value, BaseException):
            if value.__module__.startswith("trailcam") and value.__module__ != "trailcam.errors":
                problems.append(f"{name} has the exception {value.__name__}")
    if "twisted.internet.reactor" in sys.modules:
        problems.append(f"{name} installs a reactor")
        break
print(json.dumps({"modules": len(names), "problems": problems}))
"""


class ImportTests(ScriptTestCase):
    """Modules for real."""

    async def test_each_alone(self) -> None:
        """Each module can be imported first, makes no exceptions, and installs no reactor."""
        verdict = await self.run_script(IMPORT_EACH_ALONE)
        self.assertEqual(verdict["problems"], [])
        files = [path for path in PACKAGE.rglob("*.py") if _has_packages_above(path)]
        self.assertEqual(verdict["modules"], len(files))


def _has_packages_above(path: Path) -> bool:
    """Whether a file is found by its dotted name: all folders above are regular packages."""
    folders = [parent for parent in path.parents if PACKAGE in (parent, *parent.parents)]
    return all((folder / "__init__.py").exists() for folder in folders)

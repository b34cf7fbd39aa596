"""The package's session, and a camera that shares no code with it."""

from __future__ import annotations

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase, TestCase

import benchmarks.peers
from benchmarks.contenders import api
from benchmarks.peers.content import Content
from benchmarks.processes import LOOPBACK
from benchmarks.rig import camera, impaired

SECONDS = 60.0  # that nothing of this takes
OCTETS = 3_000_001


class PlainCameraTests(TestCase):
    """Octets through the session are those that the camera has sent, each once and in its place."""

    timeout = 2 * SECONDS

    async def _compare(self, port: int, chunk: int, octets: int) -> None:
        got = await api.download(LOOPBACK, port, octets, chunk, SECONDS, verify=True)
        self.assertEqual(got["octets"], octets)
        self.assertEqual(got["digest"], Content(chunk).digest(octets))

    async def test_equal(self) -> None:
        """Over a network that does no harm."""
        with camera(window=64) as port:
            await self._compare(port, 1024, OCTETS)

    async def test_loss(self) -> None:
        """Over one that loses a datagram in fifty, either way."""
        with camera(window=64) as port, impaired(port, loss=0.02) as bad:
            await self._compare(bad, 1024, OCTETS)


class IndependenceTests(SynchronousTestCase):
    """What stands for others is not made of the package."""

    def test_imports(self) -> None:
        """No module of the peers imports anything of it."""
        modules = sorted(Path(benchmarks.peers.__path__[0]).glob("*.py"))
        self.assertIn("fakecamera.py", [path.name for path in modules])
        for path in modules:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or ""]
                self.assertFalse([n for n in names if n.split(".")[0] == "trailcam"], path.name)

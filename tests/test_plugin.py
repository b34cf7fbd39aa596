"""
What this package adds to ``twist``.
"""

from __future__ import annotations

from importlib import import_module

from twisted.application.service import IServiceMaker
from twisted.plugin import getPlugins
from twisted.trial.unittest import SynchronousTestCase

from tests.commands import ROOT, CommandTestCase

TAPNAMES = {
    "trailcam-agent",
    "trailcam-connect",
    "trailcam-relay",
    "trailcam-rendezvous",
    "trailcam-simulator",
}

LOOK = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("dropin", "twisted/plugins/trailcam_dropin.py")
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print([name for name in sys.modules
       if name == "twisted.internet.reactor" or name.startswith("trailcam")])
"""


class DropinTests(SynchronousTestCase):
    """The plugins, as this process sees them."""

    def test_each_name_once(self) -> None:
        """Every command is there, and none twice."""
        names = [maker.tapname for maker in getPlugins(IServiceMaker)]
        ours = [name for name in names if name.startswith("trailcam")]
        self.assertEqual(sorted(ours), sorted(TAPNAMES))

    def test_modules(self) -> None:
        """Each one leads to a module with options and a service."""
        for maker in getPlugins(IServiceMaker):
            if maker.tapname in TAPNAMES:
                module = import_module(maker.module)
                self.assertIs(maker.options, module.Options)
                self.assertEqual(maker.makeService, module.makeService)
                self.assertTrue(maker.description.endswith("."))

    def test_no_package_markers(self) -> None:
        """An ``__init__.py`` here would hide Twisted, or overwrite its own when installed."""
        self.assertTrue((ROOT / "twisted" / "plugins" / "trailcam_dropin.py").exists())
        self.assertEqual(list((ROOT / "twisted").rglob("__init__.py")), [])


class TwistTests(CommandTestCase):
    """The plugins, as other processes see them."""

    def test_help_lists_them(self) -> None:
        """``twist --help`` knows them."""
        listed = self.start("-m", "twisted", "--help").finish()
        self.assertEqual(listed.status, 0, listed)
        for name in TAPNAMES:
            self.assertEqual(listed.output.count(f" {name} "), 1, listed.output)

    def test_loading_costs_nothing(self) -> None:
        """Every ``twist`` loads the file: it brings neither a reactor nor this package."""
        looked = self.start("-c", LOOK).finish()
        self.assertEqual((looked.status, looked.output.strip()), (0, "[]"), looked)

    def test_wrong_usage(self) -> None:
        """``twist`` shows our complaint in its first line."""
        refused = self.start("-m", "twisted", "trailcam-connect", "--port=70000").finish()
        self.assertNotEqual(refused.status, 0)
        first, _, _ = (refused.errors + refused.output).strip().partition("\n")
        self.assertEqual(first, "Error: --port: port 70000 is outside 1..65535")
        self.assertNotIn("Traceback", refused.errors)

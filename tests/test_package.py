"""Tests for what :mod:`trailcam` itself offers: its names, its errors, its values."""

from __future__ import annotations

import enum
import inspect
from typing import Any

import attrs
from twisted.trial.unittest import SynchronousTestCase

import trailcam
from tests.scripts import ROOT, ScriptTestCase
from trailcam import errors, model
from trailcam.errors import AllAttemptsFailed, AttemptFailed, NothingAnswered, TrailcamError
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Report

#: What programs compare.  A code here may never change; new ones may be added.
CODES = {
    "TrailcamError": "error",
    "WireError": "wire",
    "Truncated": "truncated",
    "BadMagic": "bad_magic",
    "UnknownMessage": "unknown_message",
    "LengthMismatch": "length_mismatch",
    "CipherError": "cipher",
    "DeviceIDError": "bad_device_id",
    "CaptureError": "capture",
    "ConnectError": "connect",
    "AttemptFailed": "failed",
    "NothingAnswered": "no_answer",
    "PortsRefused": "refused",
    "Unreachable": "unreachable",
    "WrongDevice": "wrong_device",
    "NeverReady": "never_ready",
    "ClosedByCamera": "closed_by_camera",
    "NameNotResolved": "unresolved",
    "PortUnavailable": "no_local_port",
    "NoInterface": "no_interface",
    "NotPossible": "not_possible",
    "RendezvousUnreachable": "rendezvous_unreachable",
    "DeviceUnknown": "device_unknown",
    "DeviceOffline": "device_offline",
    "SecretRefused": "wrong_secret",
    "PunchFailed": "punch_failed",
    "RelayUnreachable": "relay_unreachable",
    "RelayNotUnderstood": "relay_not_understood",
    "RelayFull": "relay_full",
    "RelayEnded": "relay_ended",
    "DeviceNeverJoined": "device_never_joined",
    "NoRelays": "no_relays",
    "RelayDirectoryUnusable": "relay_directory",
    "AttemptBroken": "bug",
    "Hopeless": "hopeless",
    "AllAttemptsFailed": "all_failed",
    "LinkError": "link",
    "LinkUnavailable": "no_local_port",
    "LinkLost": "link_lost",
    "LinkClosed": "link_closed",
    "SessionError": "session",
    "SessionLost": "session_lost",
    "SessionRefused": "session_refused",
    "SessionClosed": "session_closed",
    "SessionClosedByPeer": "closed_by_peer",
    "ChannelClosed": "channel_closed",
    "CameraError": "camera",
    "LoginRejected": "login_rejected",
    "CommandRejected": "command_rejected",
    "CommandTimeout": "command_timeout",
    "MediaNotFound": "media_not_found",
    "MediaTruncated": "media_truncated",
    "VideoLibraryMissing": "no_video_library",
    "LibraryError": "library",
    "FolderInUse": "folder_in_use",
    "FolderUnusable": "folder_unusable",
    "FolderUnsafe": "folder_unsafe",
    "ServerError": "server",
    "SecretsError": "bad_secrets_file",
    "RegistryError": "registry",
    "UnknownDevice": "device_unknown",
    "OfflineDevice": "device_offline",
    "NoFreePort": "no_free_port",
    "LoginRefused": "login_refused",
    "IdTaken": "id_taken",
    "DirectoryError": "relay_directory",
    "FacadeError": "facade",
    "CalledFromReactorThread": "called_from_reactor_thread",
    "ReactorUnavailable": "reactor_unavailable",
}


def classes(module: Any) -> list[type]:
    """The classes that a module defines."""
    found = [value for value in vars(module).values() if inspect.isclass(value)]
    return [each for each in found if each.__module__ == module.__name__]


class NamesTests(SynchronousTestCase):
    """The public names."""

    def test_every_name(self) -> None:
        """Each name that is announced is there, and has a home of its own."""
        for name in trailcam.__all__:
            value = getattr(trailcam, name)
            if name != "__version__":
                self.assertEqual(value.__name__, name)
        self.assertEqual(sorted(trailcam._HOMES), sorted(set(trailcam.__all__) - {"__version__"}))

    def test_guide(self) -> None:
        """The import line of the guide works."""
        from trailcam import ParallelConnectionManager

        self.assertEqual(ParallelConnectionManager.__module__, "trailcam.blocking")

    def test_unknown_name(self) -> None:
        """Other names are refused in the usual words."""
        problem = self.assertRaises(AttributeError, getattr, trailcam, "Cameras")
        self.assertEqual(str(problem), "module 'trailcam' has no attribute 'Cameras'")

    def test_dir(self) -> None:
        """Names that are not loaded yet can be found."""
        self.assertEqual(dir(trailcam), sorted(trailcam.__all__))

    def test_version(self) -> None:
        """The version is a version."""
        self.assertRegex(trailcam.__version__, r"^\d+\.\d+(\.\d+)?((a|b|rc|\.dev)\d+)?$")

    def test_typed(self) -> None:
        """Type checkers are told that there are types."""
        self.assertTrue((ROOT / "trailcam" / "py.typed").exists())


IMPORTS = """
import json, sys
import trailcam
light = sorted(name for name in sys.modules if name.startswith(("trailcam", "twisted")))
import trailcam.blocking
trailcam.ParallelConnectionManager("127.0.0.1")
print(json.dumps({
    "light": light,
    "reactor": "twisted.internet.reactor" in sys.modules,
    "threads": len(__import__("threading").enumerate()),
}))
"""


class ImportTests(ScriptTestCase):
    """What importing costs."""

    async def test_imports(self) -> None:
        """The package loads nothing; the facade installs no reactor, even when it is made."""
        verdict = await self.run_script(IMPORTS)
        self.assertEqual(verdict["light"], ["trailcam", "trailcam._version"])
        self.assertEqual((verdict["reactor"], verdict["threads"]), (False, 1))


class ErrorTests(SynchronousTestCase):
    """The exceptions."""

    def test_codes(self) -> None:
        """Each has a code of its own, and keeps it."""
        found = {each.__name__: vars(each).get("code") for each in classes(errors)}
        self.assertEqual({name: found.get(name) for name in CODES}, CODES)
        # One reason, told by two rooms.
        shared = {"no_local_port", "device_unknown", "device_offline", "relay_directory"}
        codes = [code for code in found.values() if code not in shared]
        self.assertEqual(len(set(codes)), len(codes), codes)
        self.assertNotIn(None, codes)

    def test_one_tree(self) -> None:
        """All of them can be caught by one name; a bad device id is a bad value, too."""
        for each in classes(errors):
            self.assertTrue(issubclass(each, TrailcamError), each)
        self.assertTrue(issubclass(errors.DeviceIDError, ValueError))

    def test_documented(self) -> None:
        """Each says what it means."""
        self.assertEqual([each for each in classes(errors) if not each.__doc__], [])

    def test_attempt_failed(self) -> None:
        """A failed attempt knows which it was, and reads as its diagnosis."""
        failure = NothingAnswered(ConnectionMode.LAN, "searching", 2.5, "nothing answered")
        self.assertEqual(str(failure), "nothing answered")
        self.assertEqual(
            (failure.mode, failure.phase, failure.elapsed),
            (ConnectionMode.LAN, "searching", 2.5),
        )

    def test_all_failed(self) -> None:
        """When all failed, all diagnoses are told."""
        failures = (
            AttemptFailed(ConnectionMode.P2P, "punching", 1.0, "first"),
            AttemptFailed(ConnectionMode.LAN, "searching", 1.0, "second"),
        )
        report = Report(None, 1.0, ())
        failure = AllAttemptsFailed(failures, report)
        self.assertEqual(str(failure), "P2P: first; LAN: second")
        self.assertEqual((failure.failures, failure.report), (failures, report))

    def test_all_failed_alike(self) -> None:
        """A reason that several modes share is told once."""
        failures = (
            AttemptFailed(ConnectionMode.P2P, "punching", 1.0, "refused"),
            AttemptFailed(ConnectionMode.LAN, "searching", 1.0, "refused"),
            AttemptFailed(ConnectionMode.RELAY, "dialing", 1.0, "full"),
        )
        failure = AllAttemptsFailed(failures, Report(None, 1.0, ()))
        self.assertEqual(str(failure), "P2P and LAN: refused; RELAY: full")

    def test_nothing_enabled(self) -> None:
        """When none ran, that is told."""
        failure = AllAttemptsFailed((), Report(None, 0.0, ()))
        self.assertEqual(str(failure), "no connection mode is enabled")

    def test_session_lost(self) -> None:
        """A lost session knows for how long."""
        lost = errors.SessionLost(7.04)
        self.assertEqual(
            (lost.silent_for, str(lost)), (7.04, "the camera has been silent for 7.0 s")
        )


class ModelTests(SynchronousTestCase):
    """The values."""

    def test_modes(self) -> None:
        """The words of the guide."""
        told = [(mode.value, mode.label, mode.thread_name) for mode in ConnectionMode]
        self.assertEqual(
            told,
            [
                ("p2p", "P2P", "p2pConnectThread"),
                ("lan", "LAN", "lanConnectThread"),
                ("relay", "RELAY", "relayConnectThread"),
            ],
        )

    def test_states(self) -> None:
        """The states of the contract."""
        self.assertEqual(
            {state.value for state in AttemptState},
            {"not_started", "pending", "running", "success", "failed", "cancelled"},
        )

    def test_frozen(self) -> None:
        """Values do not change, and are equal when they look equal."""
        values = [each for each in classes(model) if not issubclass(each, enum.Enum)]
        self.assertGreater(len(values), 3)
        for each in values:
            self.assertTrue(attrs.has(each), each)
        report = AttemptReport(ConnectionMode.LAN)
        self.assertEqual(report, AttemptReport(ConnectionMode.LAN))
        with self.assertRaises(attrs.exceptions.FrozenInstanceError):
            report.port = 1  # type: ignore[misc]

    def test_report(self) -> None:
        """A race's report gives each mode's own."""
        attempts = tuple(AttemptReport(mode) for mode in ConnectionMode)
        report = Report(None, 1.0, attempts)
        self.assertEqual([report.attempt(mode) for mode in ConnectionMode], list(attempts))

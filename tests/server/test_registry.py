"""The devices that are logged in."""

from __future__ import annotations

from typing import Any

from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from trailcam.errors import OfflineDevice, UnknownDevice
from trailcam.interfaces import IDeviceRegistry
from trailcam.server.registry import LIFETIME, DeviceRecord, MemoryRegistry, names
from trailcam.wire.did import DeviceID


def did(serial: int) -> DeviceID:
    """One of many ids."""
    return DeviceID("MYCAM", serial, "ABCDE")


def record(serial: int, seen: float, port: int = 1000) -> DeviceRecord:
    """A login."""
    return DeviceRecord(did(serial), ("203.0.113.7", port), ("192.168.1.7", port), 2, seen)


class RegistryTests(SynchronousTestCase):
    """Logins, one after the other."""

    def setUp(self) -> None:
        """Make an empty registry."""
        self.registry = MemoryRegistry(lifetime=60.0, limit=3)

    def register(self, *records: DeviceRecord) -> None:
        """Note logins."""
        for each in records:
            self.registry.register(each, each.seen)

    def found(self, serial: int, now: float) -> DeviceRecord:
        """The login of a device that is online."""
        return self.successResultOf(self.registry.find(did(serial), now))

    def missing(self, serial: int, now: float) -> type[BaseException] | None:
        """Why a device is not found."""
        failure = self.failureResultOf(self.registry.find(did(serial), now))
        return failure.check(UnknownDevice, OfflineDevice)

    def expire(self, now: float) -> tuple[int, list[str]]:
        """How many expire, and what the log says of it."""
        with capturedLogs() as events:
            count = self.registry.expire(now)
        return count, [formatEvent(event) for event in events]

    def test_interface(self) -> None:
        """It is a registry."""
        verifyObject(IDeviceRegistry, self.registry)

    def test_find(self) -> None:
        """What was registered is found."""
        self.register(record(1, 0.0), record(2, 1.0))
        self.assertEqual(self.found(1, 5.0), record(1, 0.0))
        self.assertEqual(self.found(2, 5.0), record(2, 1.0))
        self.assertEqual(len(self.registry), 2)

    def test_unknown(self) -> None:
        """A device that never came leaves no trace."""
        self.assertIs(self.missing(1, 0.0), UnknownDevice)

    def test_again(self) -> None:
        """The last login counts."""
        self.register(record(1, 0.0), record(1, 20.0, port=2000))
        self.assertEqual(self.found(1, 25.0).public, ("203.0.113.7", 2000))
        self.assertEqual(len(self.registry), 1)

    def test_offline(self) -> None:
        """A login lasts a minute, whether somebody cleans up or not."""
        self.register(record(1, 0.0))
        self.assertEqual(self.found(1, 60.0).seen, 0.0)
        self.assertIs(self.missing(1, 60.5), OfflineDevice)
        self.assertEqual(self.expire(60.5), (1, ["offline: MYCAM-000001-ABCDE"]))
        self.assertIs(self.missing(1, 61.0), OfflineDevice)

    def test_back(self) -> None:
        """Who has been offline can come back."""
        self.register(record(1, 0.0))
        self.registry.expire(100.0)
        self.register(record(1, 110.0))
        self.assertEqual(self.found(1, 111.0).seen, 110.0)

    def test_expire(self) -> None:
        """Those that are due go, in one line of the log; the others stay."""
        self.register(record(1, 0.0), record(2, 10.0), record(3, 20.0))
        self.assertEqual(self.expire(50.0), (0, []))
        told = "offline: MYCAM-000001-ABCDE, MYCAM-000002-ABCDE"
        self.assertEqual(self.expire(75.0), (2, [told]))
        self.assertEqual(len(self.registry), 1)
        self.assertEqual(self.expire(75.0), (0, []))

    def test_order(self) -> None:
        """A new login moves a device behind those that were silent since."""
        self.register(record(1, 0.0), record(2, 10.0), record(1, 20.0))
        self.assertEqual(self.expire(75.0)[0], 1)
        self.assertEqual(self.found(1, 75.0).seen, 20.0)
        self.assertIs(self.missing(2, 75.0), OfflineDevice)

    def test_full(self) -> None:
        """One device too many drives out the one that logged in longest ago."""
        self.register(record(1, 0.0), record(2, 1.0), record(3, 2.0), record(1, 3.0))
        self.register(record(4, 4.0))
        self.assertEqual(len(self.registry), 3)
        self.assertIs(self.missing(2, 5.0), OfflineDevice)
        self.assertEqual(self.found(1, 5.0).seen, 3.0)

    def test_offline_ones_are_forgotten(self) -> None:
        """As many are remembered; the rest were never there."""
        for serial in range(10):
            self.register(record(serial, float(serial)))
        self.registry.expire(1000.0)
        found: list[Any] = [self.missing(serial, 1000.0) for serial in range(10)]
        self.assertEqual(found, [UnknownDevice] * 7 + [OfflineDevice] * 3)

    def test_last_offline(self) -> None:
        """Of those, the ones that have been offline longest go first."""
        self.register(record(1, 0.0))
        self.registry.expire(100.0)
        for serial, time in ((2, 100.0), (3, 101.0), (1, 102.0), (4, 103.0)):
            self.register(record(serial, time))
        self.registry.expire(1000.0)
        self.assertIs(self.missing(1, 1000.0), OfflineDevice)
        self.assertIs(self.missing(2, 1000.0), UnknownDevice)

    def test_default_lifetime(self) -> None:
        """The usual lifetime is what the documentation says."""
        self.assertEqual(LIFETIME, 60.0)


class NamesTests(SynchronousTestCase):
    """Many ids in one line."""

    def test_few(self) -> None:
        """A few are named."""
        self.assertEqual(names([did(1), did(2)]), "MYCAM-000001-ABCDE, MYCAM-000002-ABCDE")
        self.assertNotIn("more", names([did(n) for n in range(8)]))

    def test_many(self) -> None:
        """Of many, the first."""
        told = names([did(n) for n in range(100_000)])
        self.assertTrue(told.endswith("MYCAM-000007-ABCDE and 99992 more"), told)

"""Device logins under a vendor's key."""

from __future__ import annotations

from hypothesis import given
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import MESSAGES, QUICK, record
from tests.wire.vectors import DID, DSK, HOST, VERSION
from trailcam.errors import CipherError, DeviceIDError, WireError
from trailcam.wire.cipher import crc_encrypt
from trailcam.wire.codec import decode, encode
from trailcam.wire.login import DSK_LOGIN, LOGIN, LOGIN_ACK, DskLogin
from trailcam.wire.messages import DevLgn, DevLgnAck, DevLgnAckCrc, DevLgnCrc, DevLgnDsk

KEY = "TRAIL"


class SealTests(SynchronousTestCase):
    """Closing and opening."""

    def test_published_vector(self) -> None:
        """An answer of zeros under a published key."""
        sealed = DevLgnAckCrc(bytes.fromhex("a0e2f68201d5cdd1"))
        self.assertEqual(LOGIN_ACK.close(DevLgnAck(0), KEY), sealed)
        self.assertEqual(LOGIN_ACK.open(sealed, KEY), DevLgnAck(0))

    def test_login(self) -> None:
        """A sealed login is the clear body under CRCEnc, and fits its message."""
        login = DevLgn(DID, 3, VERSION, HOST)
        sealed = LOGIN.close(login, KEY)
        self.assertEqual(sealed.sealed, crc_encrypt(KEY, encode(login)[4:]))
        self.assertEqual(LOGIN.open(sealed, KEY), login)

    def test_dsk_login(self) -> None:
        """A login with the device's secret is a login and the secret behind it."""
        login = DskLogin(DID, 3, VERSION, HOST, DSK)
        clear = encode(DevLgn(DID, 3, VERSION, HOST))[4:] + DSK
        sealed = DSK_LOGIN.close(login, KEY)
        self.assertEqual(sealed, DevLgnDsk(crc_encrypt(KEY, clear)))
        self.assertEqual(DSK_LOGIN.open(sealed, KEY), login)

    def test_on_the_wire(self) -> None:
        """What is closed travels through the codec and can be opened behind it."""
        login = DevLgn(DID, 3, VERSION, HOST)
        arrived = decode(encode(LOGIN.close(login, KEY)))
        assert isinstance(arrived, DevLgnCrc)
        self.assertEqual(LOGIN.open(arrived, KEY), login)

    @QUICK
    @given(MESSAGES[DevLgn], record(DskLogin))
    def test_round_trip(self, login: DevLgn, with_secret: DskLogin) -> None:
        """Whatever is closed can be opened."""
        self.assertEqual(LOGIN.open(LOGIN.close(login, KEY), KEY), login)
        self.assertEqual(DSK_LOGIN.open(DSK_LOGIN.close(with_secret, KEY), KEY), with_secret)

    def test_secret_is_not_shown(self) -> None:
        """The secret is left out where the value is printed."""
        self.assertNotIn("PRIVATE", repr(DskLogin(DID, 0, VERSION, HOST, b"PRIVATE!" * 3)))


class RefusalTests(SynchronousTestCase):
    """What does not open."""

    def test_wrong_key(self) -> None:
        """Another key is noticed by the check octets."""
        sealed = LOGIN.close(DevLgn(DID, 3, VERSION, HOST), "EUPRAKM")
        with self.assertRaises(CipherError):
            LOGIN.open(sealed, KEY)

    def test_malformed(self) -> None:
        """The right key around an id that is none."""
        with self.assertRaises(DeviceIDError):
            LOGIN.open(DevLgnCrc(crc_encrypt(KEY, bytes(40))), KEY)

    def test_size(self) -> None:
        """The right key around something of another size."""
        with self.assertRaises(WireError):
            LOGIN.open(DevLgnCrc(crc_encrypt(KEY, bytes(39))), KEY)

    def test_cannot_be_closed(self) -> None:
        """A value that its field cannot hold."""
        with self.assertRaises(WireError):
            LOGIN_ACK.close(DevLgnAck(256), KEY)

"""
Who may use a server: the devices that it knows, and what they and their clients have to show.

The servers keep salted hashes of the secrets, in a file with one device per line::

    # the camera at the pond
    MYCAM-000001-ABCDE sha256:7f3a...c2:0b54...9e

:func:`entry` makes such a line.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Final

import attrs

from trailcam.errors import DeviceIDError, SecretsError
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.dsk import dsk_from_text

#: Octets of the salt of a new entry.
SALT_SIZE: Final = 16

_LINE = re.compile(r"(\S+)\s+sha256:((?:[0-9a-f]{2}){8,64}):([0-9a-f]{64})", re.ASCII)
_SHAPE = "wanted is 'DID sha256:SALT:DIGEST', as 'trailcam secret DID' prints it"


@attrs.frozen
class _Hashed:
    """The salted hash of a secret."""

    salt: bytes = attrs.field(repr=False)
    digest: bytes = attrs.field(repr=False)

    def fits(self, dsk: bytes) -> bool:
        """Whether this is the hash of ``dsk``; takes the same time either way."""
        return hmac.compare_digest(_digest(self.salt, dsk), self.digest)


class Admission:
    """
    Decides about devices that log in, and about clients that ask for them.

    :param devices: the hashed secrets by device id; ``None`` lets everybody do everything.
    :param clients_show_secret: whether clients have to show the secret of the device they want.
    """

    def __init__(
        self, devices: Mapping[DeviceID, _Hashed] | None, clients_show_secret: bool
    ) -> None:
        self._devices = devices
        self._clients_show_secret = clients_show_secret

    @classmethod
    def open_to_all(cls) -> Admission:
        """Any device may log in under any id, and any client may ask for it."""
        return cls(None, clients_show_secret=False)

    @classmethod
    def load(cls, path: str | PathLike[str], clients_show_secret: bool = True) -> Admission:
        """
        Only the devices in this file, with their secrets.

        :param clients_show_secret: whether clients have to show the secret, too.
        :raises SecretsError: naming the file, and the line if it is one.
        """
        return cls(_read(Path(path)), clients_show_secret)

    def lists(self, did: DeviceID) -> bool:
        """Whether the device is in the file; an open server has none."""
        return self._devices is not None and did in self._devices

    def device(self, did: DeviceID, dsk: bytes | None) -> Result:
        """
        May a device log in under this id?

        :param dsk: the 24 octets of the secret that it showed, if it did.
        :return: OK, INVALID_ID or INVALID_DSK.
        """
        return self._check(did, dsk, secret_wanted=True)

    def client(self, did: DeviceID, dsk: bytes | None) -> Result:
        """
        May a client ask for this device?

        :param dsk: the 24 octets of the secret that it showed, if it did.
        :return: OK, INVALID_ID or INVALID_DSK.
        """
        return self._check(did, dsk, self._clients_show_secret)

    def _check(self, did: DeviceID, dsk: bytes | None, secret_wanted: bool) -> Result:
        if self._devices is None:
            return Result.OK
        hashed = self._devices.get(did)
        if hashed is None:
            return Result.INVALID_ID
        if not secret_wanted or (dsk is not None and hashed.fits(dsk)):
            return Result.OK
        return Result.INVALID_DSK


def entry(did: DeviceID, secret: str, salt: bytes) -> str:
    """
    A line of the servers' file, without the line's end.

    :param secret: as :func:`trailcam.wire.dsk.dsk_from_text` reads it.
    :param salt: 8 to 64 random octets, usually :data:`SALT_SIZE`.
    :raises WireError: when the secret is none.
    """
    return f"{did} sha256:{salt.hex()}:{_digest(salt, dsk_from_text(secret)).hex()}"


def _digest(salt: bytes, dsk: bytes) -> bytes:
    return hashlib.sha256(salt + dsk).digest()


def _read(path: Path) -> dict[DeviceID, _Hashed]:
    """The devices in a file; :raises SecretsError: when there is anything wrong with it."""
    devices: dict[DeviceID, _Hashed] = {}
    for number, line in _lines(path):
        try:
            did, hashed = _parse(line)
        except ValueError as problem:  # what is on the line may be a secret: it is not shown
            raise SecretsError(f"{path}, line {number}: {problem}") from None
        if did in devices:
            raise SecretsError(f"{path}, line {number}: {did} is there a second time")
        devices[did] = hashed
    if not devices:
        raise SecretsError(f"{path} names no device; 'trailcam secret DID' prints a line for one")
    return devices


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines that are neither empty nor comments, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as problem:
        raise SecretsError(f"cannot read {path}: {problem.strerror or problem}") from problem
    except ValueError as problem:
        raise SecretsError(f"{path} is not a text file") from problem
    for number, line in enumerate(text.split("\n"), start=1):
        if (content := line.strip()) and not content.startswith("#"):
            yield number, content


def _parse(line: str) -> tuple[DeviceID, _Hashed]:
    """The device of one line; :raises ValueError: that shows nothing but an id."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise ValueError(_SHAPE)
    try:
        did = DeviceID.parse(match[1])
    except DeviceIDError as problem:
        raise ValueError(str(problem)) from problem
    return did, _Hashed(bytes.fromhex(match[2]), bytes.fromhex(match[3]))

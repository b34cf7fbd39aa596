"""
The two ciphers of the application layer: both AES-128-CBC with one fixed key and a zero IV.

Commands and answers are enciphered wholly and written as base64; of media data only the beginning
of every page is enciphered.  Protocol: the application layer, commands and answers; media records.
"""

from __future__ import annotations

import base64
import enum
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

from trailcam.errors import CipherError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 16
PAGE = 4096
ENCIPHERED_OF_PAGE = 96

_KEY = b"xs38nul7cqf7m1va"


class Side(enum.Enum):
    """Who writes a command payload; the value is the number of NULs behind the base64 text."""

    CLIENT = 1
    #: A camera counts the 20 octets of the record's head twice.
    CAMERA = 21


@functools.cache
def _cipher() -> Cipher[CBC]:
    # Imported on first use: it takes longer than all the rest of the package that a CLI needs.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    return Cipher(algorithms.AES(_KEY), modes.CBC(bytes(BLOCK)))


def encipher(clear: bytes) -> bytes:
    """Encipher whole blocks of 16 octets."""
    encryptor = _cipher().encryptor()
    return encryptor.update(clear) + encryptor.finalize()


def decipher(enciphered: bytes) -> bytes:
    """Decipher whole blocks of 16 octets."""
    decryptor = _cipher().decryptor()
    return decryptor.update(enciphered) + decryptor.finalize()


def seal(clear: bytes, side: Side) -> bytes:
    """
    Make the payload of a command or an answer.

    :param clear: the text; it is filled with NULs up to whole blocks.
    """
    filled = clear + bytes(-len(clear) % BLOCK)
    return base64.b64encode(encipher(filled)) + bytes(side.value)


def unseal(payload: bytes) -> bytes:
    """
    Read the payload of a command or an answer, with any number of NULs behind it.

    :return: the text up to its first NUL: what follows are left-over octets of the sender's buffer.
    :raises CipherError: the payload is not base64 of whole blocks.
    """
    try:
        enciphered = base64.b64decode(_before_nul(payload), validate=True)
    except ValueError as error:
        raise CipherError(f"the payload is not base64: {error}") from error
    if len(enciphered) % BLOCK:
        raise CipherError(f"{len(enciphered)} enciphered octets are not whole blocks of {BLOCK}")
    return _before_nul(decipher(enciphered))


def unseal_beginning(part: bytes) -> bytes:
    """
    Read as much of a payload as its first octets give.

    :return: the text of the whole blocks; empty when there are none or when they are not base64.
    """
    text = _before_nul(part)
    try:
        enciphered = base64.b64decode(text[: len(text) // 4 * 4], validate=True)
    except ValueError:
        return b""
    return _before_nul(decipher(enciphered[: len(enciphered) // BLOCK * BLOCK]))


def encipher_pages(data: bytes) -> bytes:
    """
    Encipher the data of one media frame.

    Of every page of 4096 octets the first 96 are enciphered; a shorter last page stays clear.
    """
    return _beginnings_of_pages(encipher, data)


def decipher_pages(data: bytes) -> bytes:
    """The inverse of :func:`encipher_pages`."""
    return _beginnings_of_pages(decipher, data)


def _beginnings_of_pages(change: Callable[[bytes], bytes], data: bytes) -> bytes:
    changed = bytearray(data)
    for start in range(0, len(data) - ENCIPHERED_OF_PAGE + 1, PAGE):
        end = start + ENCIPHERED_OF_PAGE
        changed[start:end] = change(data[start:end])
    return bytes(changed)


def _before_nul(octets: bytes) -> bytes:
    return octets.partition(b"\0")[0]

"""
What is wrong with the secret that a server did not accept, in words a user can act on.
"""

from __future__ import annotations


def secret_fault(given: bool) -> str:
    """
    What follows "wants the secret of the device, and".

    :param given: whether we showed one; a server says the same either way.
    """
    if given:
        return "it is another one than was given: is it the right --secret-file?"
    return "none was given: --secret-file names the file that has it"

"""
The options of whatever logs in to a camera.
"""

from __future__ import annotations

import os

from trailcam.model import Credentials
from trailcam.tap.options import ConnectOptions, usage_errors
from trailcam.tap.secretfile import first_line

#: The environment variable that may hold the password.
PASSWORD_VARIABLE = "TRAILCAM_PASSWORD"

_USERNAME = "admin"


class LoginOptions(ConnectOptions):
    """
    Which camera, and who logs in.

    :ivar credentials: the login, once parsed.
    """

    optParameters = [
        ["username", None, _USERNAME, "Who logs in."],
        ["password-file", None, None, f"File with the password; or set {PASSWORD_VARIABLE}."],
    ]

    credentials: Credentials

    def postOptions(self) -> None:
        """Check everything; :raises UsageError: for the first mistake."""
        super().postOptions()
        with usage_errors():
            self.credentials = Credentials(self["username"], self._password())

    def _password(self) -> str:
        if self["password-file"] is not None:
            return first_line("--password-file", self["password-file"])
        return os.environ.get(PASSWORD_VARIABLE) or Credentials().password

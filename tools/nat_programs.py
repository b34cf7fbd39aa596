"""The programs of this package in the laboratory's namespaces, from the camera to the client."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from nat_network import CAMERA, ENDINGS, SERVER, LaboratoryError, Network, undisturbed

ROOT: Final = Path(__file__).resolve().parents[1]

UID: Final = "NATLAB-000001-ABCDE"
RENDEZVOUS: Final = f"{SERVER}:32100"
RELAY: Final = f"{SERVER}:65527"
_CAMERA_PORT, _RENDEZVOUS_PORT, _RELAY_PORT = 40611, 32100, 65527
_DATA_PORTS = "50000-50099"

#: What the agent's log says when the server and the relay have accepted it.
_REGISTERED = (f"registered as {UID} at {RENDEZVOUS}", f"registered as {UID} at relay")

#: Seconds: until a program is ready, between two looks, for a race, for a program to end.
_READY, _GLANCE, _RACE, _END = 30.0, 0.05, 30.0, 5.0

#: Lines of each log that are shown when something is wrong.
_TAIL = 8

_TRAILCAM = (sys.executable, "-m", "trailcam")
_TWIST = (sys.executable, "-m", "twisted", "--log-format=text")


class Programs:
    """
    Programs in namespaces; they are stopped at the end.

    :param folder: where they have their files and logs.
    """

    def __init__(self, network: Network, folder: Path) -> None:
        self._network = network
        self._folder = folder
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Programs:
        return self

    def __exit__(self, *reason: object) -> None:
        with undisturbed():
            for program in self._running.values():
                program.terminate()
            deadline = time.monotonic() + _END
            for program in self._running.values():
                _end(program, deadline)

    def start(self) -> None:
        """
        Camera, servers and agent, until the agent is logged in everywhere.

        :raises LaboratoryError: one of them does not come up.
        """
        devices, secret = make_secret(self._folder)
        demanding = ("--devices", str(devices))
        relay = ("--port", str(_RELAY_PORT), "--data-ports", _DATA_PORTS, *demanding)
        rendezvous = ("--port", str(_RENDEZVOUS_PORT), "--relay", RELAY, *demanding)
        self._twist("camera", "simulator", "--interface", CAMERA)
        self._twist("server", "relay", *relay)
        self._twist("server", "rendezvous", *rendezvous)
        self._until_bound("simulator", "udp", _CAMERA_PORT)
        self._until_bound("relay", "tcp", _RELAY_PORT)
        self._until_bound("rendezvous", "udp", _RENDEZVOUS_PORT)
        self._twist("agent", "agent", "--camera", CAMERA, *_whereabouts(secret))
        for words in _REGISTERED:
            self._until_said("agent", words)

    def connect(self, weights: Sequence[str] = ()) -> dict[str, Any]:
        """
        One race of a client.

        :param weights: of modes, as ``p2p=1``.
        :return: its info dictionary.
        :raises LaboratoryError: it did not say anything that can be understood.
        """
        command = [*_TRAILCAM, "connect", "--json", f"--max-time={_RACE}"]
        command += [f"--weight={weight}" for weight in weights]
        command += _whereabouts(self._folder / "secret")
        namespace = self._network.namespace("client")
        try:
            done = subprocess.run(
                ["ip", "netns", "exec", namespace, *command],
                capture_output=True,
                env=_environment(),
                timeout=2 * _RACE,
            )
            info: dict[str, Any] = json.loads(done.stdout)
        except subprocess.TimeoutExpired as error:
            raise LaboratoryError(f"the client had no result after {2 * _RACE:.0f} s") from error
        except ValueError as error:
            said = done.stderr.decode().splitlines() or ["nothing"]
            raise LaboratoryError(f"the client said {said[-1]}") from error
        return info

    def tails(self) -> str:
        """The ends of all logs."""
        return "\n".join(f"--- {name}\n{self._tail(name)}" for name in self._running)

    def _twist(self, where: str, name: str, *options: str) -> None:
        command = [*_TWIST, f"trailcam-{name}", *options]
        namespace = self._network.namespace(where)
        with self._log(name).open("wb") as log, undisturbed():
            # In a session of its own Ctrl-C does not reach it: everything is ended in order.
            self._running[name] = subprocess.Popen(
                ["ip", "netns", "exec", namespace, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                start_new_session=True,
                preexec_fn=_heed_signals,
            )

    def _until_bound(self, name: str, protocol: str, port: int) -> None:
        table = Path(f"/proc/{self._running[name].pid}/net/{protocol}")
        self._until(name, lambda: has_port(table.read_text(), port), f"{protocol} port {port}")

    def _until_said(self, name: str, words: str) -> None:
        self._until(
            name,
            lambda: words in self._log(name).read_text("utf-8", "replace"),
            f"line with {words!r}",
        )

    def _until(self, name: str, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + _READY
        while not self._look(name, condition):
            if time.monotonic() > deadline:
                raise LaboratoryError(f"trailcam-{name} is not ready: no {what}")
            time.sleep(_GLANCE)

    def _look(self, name: str, condition: Callable[[], bool]) -> bool:
        status = self._running[name].poll()
        if status is not None:
            raise LaboratoryError(f"trailcam-{name} ended with {status}")
        # What is looked at may go away while the program ends.
        with contextlib.suppress(OSError):
            return condition()
        return False

    def _log(self, name: str) -> Path:
        return self._folder / f"{name}.log"

    def _tail(self, name: str) -> str:
        lines = self._log(name).read_text("utf-8", "replace").splitlines()
        return "\n".join(lines[-_TAIL:])


def _heed_signals() -> None:
    """A new program has inherited what holds signals back while it is started."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)


def _end(program: subprocess.Popen[bytes], deadline: float) -> None:
    try:
        program.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def make_secret(folder: Path) -> tuple[Path, Path]:
    """
    A secret for the agent's id.

    :return: the file of devices for the servers, and the file with the secret.
    """
    command = [*_TRAILCAM, "secret", "--json", UID]
    done = subprocess.run(command, capture_output=True, env=_environment(), timeout=_READY)
    if done.returncode:
        raise LaboratoryError(f"trailcam secret: {done.stderr.decode().strip()}")
    made = json.loads(done.stdout)
    devices, secret = folder / "devices", folder / "secret"
    devices.write_text(f"{made['line']}\n")
    secret.touch(mode=0o600)
    secret.write_text(f"{made['secret']}\n")
    return devices, secret


def has_port(table: str, port: int) -> bool:
    """
    Whether a port is open in one of the kernel's tables of sockets.

    :param table: text of ``/proc/PID/net/udp`` or ``tcp``.
    """
    unconnected = ("07", "0A")  # as UDP sockets without a peer, and listening ones, are marked
    rows = [line.split() for line in table.splitlines()[1:]]
    return any(row[1].endswith(f":{port:04X}") and row[3] in unconnected for row in rows)


def _whereabouts(secret: Path) -> list[str]:
    """The options that agent and client have in common."""
    where = ["--rendezvous", RENDEZVOUS, "--relay", RELAY]
    return ["--uid", UID, "--secret-file", str(secret), *where]


def _environment() -> dict[str, str]:
    path = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path), "PYTHONUNBUFFERED": "1"}

#!/usr/bin/env python3
"""
A laboratory of NATs: client and agent behind every pair of them, on this machine.

For each pair it builds an internet with one server, the client's site and the agent's, each behind
its NAT; starts camera, servers and agent; connects; and tells which mode won.  See README.rst.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any, Final

from nat_network import ENDINGS, Kind, LaboratoryError, Network, build
from nat_probe import EXPECTED, Observation, observe
from nat_programs import Programs

EXIT_OK, EXIT_FAILED, EXIT_CANNOT = 0, 1, 77


@dataclass(frozen=True)
class Pair:
    """The kinds on the two sides."""

    client: Kind
    agent: Kind

    @property
    def expected(self) -> str:
        """
        The best mode that theory allows.

        Who cannot know the other's port has to be let in from any port: a symmetric NAT is met
        only by one that filters less than by port.
        """
        kinds = {self.client, self.agent}
        hard = kinds == {Kind.SYMMETRIC} or kinds == {Kind.SYMMETRIC, Kind.PORT_RESTRICTED}
        return "relay" if hard else "p2p"


ALL_PAIRS: Final = tuple(Pair(*kinds) for kinds in itertools.product(Kind, repeat=2))


@dataclass(frozen=True)
class Result:
    """
    How one pair connected.

    :ivar mode: the one that won; ``None`` when none did.
    :ivar seconds: from the start of the race to its end.
    :ivar error: why there was no connection, or none by P2P.
    """

    pair: Pair
    mode: str | None
    seconds: float | None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Connected; and directly, where theory allows it.  More than theory allows is no fault."""
        return self.mode == "p2p" or self.mode == self.pair.expected

    def as_json(self) -> dict[str, Any]:
        """All of it in values that :mod:`json` can write."""
        names = {"client": self.pair.client.value, "agent": self.pair.agent.value}
        won = {"mode": self.mode, "seconds": self.seconds, "error": self.error}
        return {**names, **won, "expected": self.pair.expected, "ok": self.ok}


_ROW = "{:<16}  {:<16}  {:<6}  {:>7}  {:<6}  {}"
HEAD: Final = _ROW.format("client", "agent", "won", "seconds", "theory", "")


def row(result: Result) -> str:
    """One line of the table."""
    seconds = "-" if result.seconds is None else f"{result.seconds:.3f}"
    verdict = "ok" if result.ok else f"not ok: {result.error}"
    kinds, won = result.pair, result.mode or "-"
    return _ROW.format(kinds.client.value, kinds.agent.value, won, seconds, kinds.expected, verdict)


def summary(results: Sequence[Result]) -> str:
    """The line below the table."""
    connected = sum(result.mode is not None for result in results)
    direct = [result for result in results if result.pair.expected == "p2p"]
    won = sum(result.mode == "p2p" for result in direct)
    return f"{connected} of {len(results)} connected, P2P in {won} of {len(direct)} where it can be"


def error_of(info: dict[str, Any]) -> str:
    """Why a race was lost, of all modes that tried, from the client's info dictionary."""
    tried = [thread for thread in info["threads_info"].values() if thread["error"]]
    return "; ".join(f"{thread['mode']}: {thread['error']}" for thread in tried) or "not tried"


def beaten(info: dict[str, Any]) -> str:
    """How far P2P had come when another mode won, from the client's info dictionary."""
    thread = info["threads_info"]["p2pConnectThread"]
    return f"P2P {thread['state']} while {thread['phase']}: {thread['error'] or 'no error'}"


def measure(pair: Pair, weights: Sequence[str] = (), keep: bool = False) -> Result:
    """
    Build, start, connect, remove.

    :param weights: of modes in the client's race, as ``p2p=1``; none is the client's default.
    :param keep: wait for Ctrl-C before the removal.
    """
    with tempfile.TemporaryDirectory(prefix="natlab-") as folder, Network() as network:
        build(network, pair.client, pair.agent)
        with Programs(network, Path(folder)) as programs:
            try:
                programs.start()
                result = _race(pair, programs, weights)
            except LaboratoryError as error:
                result = Result(pair, None, None, str(error))
            if not result.ok:
                _tell(programs.tails())
            if keep:
                _tell(row(result))
                _stay(network, folder)
    return result


def _race(pair: Pair, programs: Programs, weights: Sequence[str]) -> Result:
    return result_of(pair, programs.connect(weights))


def result_of(pair: Pair, info: dict[str, Any]) -> Result:
    """What the client's info dictionary says of a pair."""
    mode, seconds = info.get("mode"), info["elapsed_time"]
    if mode is None:
        return Result(pair, None, seconds, error_of(info))
    return Result(pair, mode, seconds, None if mode == "p2p" else beaten(info))


def _stay(network: Network, folder: str) -> None:
    shell = f"ip netns exec {network.namespace('client')} bash"
    _tell(f"files are in {folder}; look around with: {shell}; Ctrl-C removes everything")
    signal.pause()


def run(pairs: Sequence[Pair], weights: Sequence[str], as_json: bool, keep: bool) -> int:
    """Measure all pairs and show the table; the exit status."""
    if not as_json:
        _show(HEAD)
    results = []
    for pair in pairs:
        results.append(measure(pair, weights, keep))
        if not as_json:
            _show(row(results[-1]))
    ok = all(result.ok for result in results)
    if as_json:
        _show(json.dumps({"ok": ok, "pairs": [result.as_json() for result in results]}))
    else:
        _show(summary(results))
    return EXIT_OK if ok else EXIT_FAILED


_LOOK = "{:<16}  {:<17}  {:<22}  {:<12}  {}"


def selftest(as_json: bool) -> int:
    """Look at each kind of NAT and show what it does; the exit status."""
    seen = {kind: observe(kind) for kind in Kind}
    if as_json:
        _show(json.dumps({kind.value: asdict(look) for kind, look in seen.items()}))
    else:
        _show(_LOOK.format("kind", "mapping", "lets in", "meets early", ""))
        for kind, look in seen.items():
            _show(look_row(kind, look))
    return EXIT_OK if seen == EXPECTED else EXIT_FAILED


def look_row(kind: Kind, look: Observation) -> str:
    """One line of the table of kinds."""
    verdict = "ok" if look == EXPECTED[kind] else f"not ok: {EXPECTED[kind]} expected"
    return _LOOK.format(kind.value, look.mapping, look.filtering, look.met, verdict)


def hindrance() -> str | None:
    """Why this machine cannot have a laboratory; ``None`` when it can."""
    missing = [tool for tool in ("ip", "nft") if shutil.which(tool) is None]
    if missing:
        return f"missing: {', '.join(missing)} (Debian: iproute2, nftables)"
    if os.geteuid():
        return "only root can make network namespaces"
    try:
        with Network() as network:
            build(network, Kind.FULL_CONE, Kind.SYMMETRIC)
    except (LaboratoryError, OSError) as error:
        return f"cannot make namespaces with NAT: {error}"
    return None


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line; exits with 2 after a mistake."""
    parser = argparse.ArgumentParser(prog="natlab.py", description="A laboratory of NATs.")
    task = parser.add_mutually_exclusive_group()
    task.add_argument("--check", action="store_true", help="only say whether it can run here")
    task.add_argument("--selftest", action="store_true", help="only look at what the NATs do")
    task.add_argument(
        "--pair",
        type=parse_pair,
        metavar="CLIENT,AGENT",
        help=f"only this one, of: {', '.join(kind.value for kind in Kind)}",
    )
    parser.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="MODE=W",
        help="handed to the client; without any, all modes start at once; may be repeated",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--keep", action="store_true", help="with --pair: stay until Ctrl-C")
    options = parser.parse_args(arguments)
    if options.keep and options.pair is None:
        parser.error("--keep needs --pair: there is one laboratory at a time")
    return options


def parse_pair(text: str) -> Pair:
    """
    The pair that ``CLIENT,AGENT`` names.

    :raises argparse.ArgumentTypeError: it names none.
    """
    try:
        client, agent = map(Kind, text.split(","))
    except ValueError:
        kinds = ", ".join(kind.value for kind in Kind)
        raise argparse.ArgumentTypeError(f"{text!r} is not two of: {kinds}") from None
    return Pair(client, agent)


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says; the exit status."""
    options = parse(arguments)
    for number in ENDINGS:
        signal.signal(number, _end)
    problem = hindrance()
    if problem is not None:
        _show(f"natlab: cannot run here: {problem}")
        return EXIT_CANNOT
    if options.check:
        _show("natlab: can run here")
        return EXIT_OK
    try:
        return _work(options)
    except LaboratoryError as error:
        _tell(f"natlab: {error}")
        return EXIT_FAILED


def _work(options: argparse.Namespace) -> int:
    if options.selftest:
        return selftest(options.json)
    pairs = ALL_PAIRS if options.pair is None else (options.pair,)
    return run(pairs, options.weight, options.json, options.keep)


def _end(number: int, frame: FrameType | None) -> None:
    """Leave, by way of everything that has to be removed; a second signal changes nothing."""
    for other in ENDINGS:
        signal.signal(other, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _show(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

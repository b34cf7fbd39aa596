"""Tests for :mod:`trailcam.reactorthread`, in processes with a reactor to spare."""

from __future__ import annotations

from tests.programs import PRELUDE, SOON, ProcessTestCase

ON_THE_REACTOR_THREAD = """
from twisted.internet import reactor

def check():
    m = manager()
    verdict.update(connect=raised(m.connect_parallel), began=time.monotonic() - began)
    reactor.stop()

verdict = {}
began = time.monotonic()
reactor.callWhenRunning(check)
reactor.run()
verdict["afterwards"] = raised(manager().connect_parallel)
tell(**verdict)
"""


ANOTHER_THREADS_REACTOR = """
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

def work():
    m = manager()
    success, info = m.connect_parallel()
    return {
        "success": success,
        "connected": m.connected,
        "same": shared_runtime().reactor is reactor,
        "threads": sorted(t.name for t in threading.enumerate() if "trailcam" in t.name),
        "close": m.close(),
        "afterwards": m.connected,
    }

def run():
    deferToThread(work).addCallbacks(
        lambda verdict: tell(**verdict), lambda f: f.printTraceback()
    ).addBoth(lambda _: reactor.stop())

reactor.callWhenRunning(run)
reactor.run()
"""


NO_REACTOR = """
before = "twisted.internet.reactor" in sys.modules
first, second = manager(), manager()
answers = [m.connect_parallel()[0] for m in (first, second)]
threads = [t for t in threading.enumerate() if t.name == "trailcam-reactor"]
from twisted.internet import reactor
tell(
    before=before,
    answers=answers,
    threads=[t.daemon for t in threads],
    same=shared_runtime().reactor is reactor,
    main=threading.main_thread() in threads,
)
first.close(), second.close()
"""


INSTALLED = """
from twisted.internet import selectreactor
selectreactor.install()
m = manager()
success = m.connect_parallel()[0]
kind = type(shared_runtime().reactor).__name__
m.close()
tell(success=success, kind=kind)
"""


STOPPED_BEFORE = """
from twisted.internet import reactor
reactor.callWhenRunning(reactor.stop)
reactor.run()
m = manager()
tell(first=raised(m.connect_parallel), again=raised(m.connect_parallel), close=raised(m.close))
"""


STOPPED_WHILE_HOLDING = """
m = manager()
success = m.connect_parallel()[0]
reactor = shared_runtime().reactor
reactor.callFromThread(reactor.stop)
next(t for t in threading.enumerate() if t.name == "trailcam-reactor").join(10)
tell(success=success, connected=m.connected, close=raised(m.close),
     again=raised(m.connect_parallel))
"""


class CaseTests(ProcessTestCase):
    """Whose reactor it is."""

    async def test_on_the_reactor_thread(self) -> None:
        """(a) A call on the reactor's thread fails at once; when the reactor has ended, as (d)."""
        verdict = await self.run_script(PRELUDE + ON_THE_REACTOR_THREAD, 9)
        self.assertEqual(verdict["connect"], "CalledFromReactorThread")
        self.assertEqual(verdict["afterwards"], "ReactorUnavailable")
        self.assertLess(verdict["began"], SOON)

    async def test_another_threads_reactor(self) -> None:
        """(b) A reactor that runs on another thread is used; none is started."""
        camera = self.camera()
        verdict = await self.run_script(PRELUDE + ANOTHER_THREADS_REACTOR, camera.session_port)
        self.assertEqual(
            verdict,
            {
                "success": True,
                "connected": True,
                "same": True,
                "threads": [],
                "close": None,
                "afterwards": False,
            },
        )
        self.assert_left(camera)

    async def test_no_reactor(self) -> None:
        """(c) Where none is installed, one is, once, on a daemon thread."""
        camera = self.camera()
        verdict = await self.run_script(PRELUDE + NO_REACTOR, camera.session_port)
        self.assertEqual(
            verdict,
            {
                "before": False,
                "answers": [True, True],
                "threads": [True],
                "same": True,
                "main": False,
            },
        )
        self.assert_left(camera, 2)

    async def test_installed(self) -> None:
        """(c) A reactor that the application chose and did not start is started."""
        camera = self.camera()
        verdict = await self.run_script(PRELUDE + INSTALLED, camera.session_port)
        self.assertEqual(verdict, {"success": True, "kind": "SelectReactor"})
        self.assert_left(camera)

    async def test_stopped_before(self) -> None:
        """(d) A reactor that has ended cannot be had again; nothing to close is no trouble."""
        verdict = await self.run_script(PRELUDE + STOPPED_BEFORE, 9)
        self.assertEqual(
            verdict, {"first": "ReactorUnavailable", "again": "ReactorUnavailable", "close": None}
        )

    async def test_stopped_while_holding(self) -> None:
        """(d) A reactor that is stopped takes its connections along, after telling the camera."""
        camera = self.camera()
        verdict = await self.run_script(PRELUDE + STOPPED_WHILE_HOLDING, camera.session_port)
        self.assertEqual(
            verdict,
            {"success": True, "connected": False, "close": None, "again": "ReactorUnavailable"},
        )
        self.assert_left(camera)


TWENTY_THREADS = """
import concurrent.futures
barrier = threading.Barrier(20)

def one(_):
    barrier.wait()
    with manager() as m:
        success, info = m.connect_parallel()
        barrier.wait()
        return success, info.get("port"), m.connected

with concurrent.futures.ThreadPoolExecutor(20) as pool:
    answers = list(pool.map(one, range(20)))
tell(
    success=sum(success for success, _, _ in answers),
    ports=len({p for _, p, _ in answers}),
    connected=sum(connected for _, _, connected in answers),
    reactors=[t.name for t in threading.enumerate()].count("trailcam-reactor"),
)
"""


STOPPED_MIDWAY = """
from twisted.internet import reactor
from twisted.internet.protocol import DatagramProtocol

class Probed(DatagramProtocol):
    noisy = False
    def datagramReceived(self, datagram, address):
        if reactor.running and not verdict:
            verdict["stopped"] = True
            reactor.stop()

def work():
    verdict["raised"] = raised(manager().connect_parallel)

verdict = {}
port = reactor.listenUDP(0, Probed(), interface="127.0.0.1").getHost().port
thread = threading.Thread(target=work)
reactor.callWhenRunning(thread.start)
reactor.run()
thread.join(10)
tell(alive=thread.is_alive(), **verdict)
"""


class ManyThreadsTests(ProcessTestCase):
    """Threads that have nothing to do with the reactor."""

    async def test_twenty_threads(self) -> None:
        """Twenty managers in twenty threads, and no reactor when they begin."""
        camera = self.camera()
        verdict = await self.run_script(PRELUDE + TWENTY_THREADS, camera.session_port)
        self.assertEqual(verdict, {"success": 20, "ports": 20, "connected": 20, "reactors": 1})
        self.assert_left(camera, 20)

    async def test_stopped_midway(self) -> None:
        """A thread that waits when the application stops its reactor is told."""
        verdict = await self.run_script(PRELUDE + STOPPED_MIDWAY, 9)
        self.assertEqual(verdict, {"alive": False, "stopped": True, "raised": "ReactorUnavailable"})

"""Connect to a camera and watch every step in the log."""

import logging
import sys

from trailcam import ParallelConnectionManager

logger = logging.getLogger("my.camera")
logger.setLevel(logging.DEBUG)
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
logger.addHandler(handler)

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"
manager = ParallelConnectionManager(address, max_connection_time=5.0, logger=logger)
success, info = manager.connect_parallel()
manager.close()
sys.exit(not success)

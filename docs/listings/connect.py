"""Connect to a camera, tell how it went, and hold the connection until Enter is pressed."""

import sys

from trailcam import ParallelConnectionManager

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1"

with ParallelConnectionManager(address, max_connection_time=5.0) as manager:
    success, info = manager.connect_parallel()
    for name, thread in info["threads_info"].items():
        print(f"{name:18} {thread['state']:12} {thread['error'] or ''}")
    if not success:
        sys.exit(f"not connected after {info['elapsed_time']:.2f} s")
    print(f"connected via {info['winning_thread']} in {info['elapsed_time']:.2f} s")
    print(f"from our port {info['port']} to the camera's port {info['destination_port']}")
    input("press Enter to let go: ")

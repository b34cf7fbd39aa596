"""Say in one line how a kept connection stands; exit with 1 when there is none."""

import json
import sys
from urllib.request import urlopen

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8650"

try:
    with urlopen(f"http://{address}/status.json", timeout=5) as answer:
        status = json.load(answer)
except OSError as problem:
    sys.exit(f"no status page at {address}: {problem}")

if status["state"] != "connected":
    threads = (status["last_report"] or {"threads_info": {}})["threads_info"]
    codes = {name: thread["code"] for name, thread in threads.items() if thread["code"]}
    sys.exit(f"{status['state']}; last loss: {status['last_loss']}; last race: {codes}")
print(f"connected to {status['peer']} by {status['mode']}, heard {status['silent_for']:.1f} s ago")

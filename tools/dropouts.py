"""Play for ten minutes on a sound server of our own, with every core busy, and count the drop-outs."""

import os
import sys

from tests.sound_server import busy, dropouts, running


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 600.0
    with running() as server, busy():
        os.environ |= server.environment
        found = dropouts(server, seconds)
    print(f"{seconds:g} s, {os.cpu_count()} cores busy, {len(found)} drop-outs")
    for moment, silence in found:
        print(f"  at {moment:.2f} s for {silence * 1000:.0f} ms")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()

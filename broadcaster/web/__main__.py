"""Serve the page of one station: `python -m broadcaster.web STATION LISTEN LANGUAGE [CERTIFICATE KEY]`."""

import sys
from pathlib import Path
from threading import Thread

from broadcaster.cli import language, output
from broadcaster.cli.beside import FAILED
from broadcaster.edges.sandbox import end_with_parent
from broadcaster.model.errors import BroadcasterError


def main() -> int:
    station, listen, spoken, *certificate = sys.argv[1:]
    language.use(spoken)
    Thread(target=end_with_parent, daemon=True).start()  # without the daemon it would show what is no more so
    from .server import serve

    try:
        serve(Path(station), listen, certificate)
    except BroadcasterError as error:
        output.faults(error.faults)
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The commands, the composition root. Alone prints, asks and picks exit codes: 0 well, 1 fault, 2 usage."""

import os
import sys
from io import TextIOWrapper


def main() -> None:
    """Choose the language, then import the commands, whose help is translated, and run one."""
    from . import language

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # Vietnamese, whatever the locale can write
            stream.reconfigure(encoding="utf-8", errors="replace")
    language.use(language.choose(sys.argv[1:], os.environ))
    from .app import run

    sys.exit(run())

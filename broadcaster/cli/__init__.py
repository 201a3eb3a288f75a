"""The commands, the composition root. Alone prints, asks and picks exit codes: 0 well, 1 fault, 2 usage."""

import os
import sys


def main() -> None:
    """Choose the language, then import the commands, whose help is translated, and run one."""
    from . import language

    language.use(language.choose(sys.argv[1:], os.environ))
    from .app import run

    sys.exit(run())

"""The commands: the composition root. Alone prints, asks and picks exit codes (0 well, 1 a fault, 2 wrong usage)."""

import os
import sys


def main() -> None:
    """Entry point. The language is chosen before the commands are imported, since their help is translated."""
    from . import language

    language.use(language.choose(sys.argv[1:], os.environ))
    from .app import run

    sys.exit(run())

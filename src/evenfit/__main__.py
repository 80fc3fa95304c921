"""``python -m evenfit``: the command line."""

import sys

from evenfit.cli import main

if __name__ == "__main__":
    sys.exit(main())

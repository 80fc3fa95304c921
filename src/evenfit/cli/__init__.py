"""The command line: parse, call, print."""

from evenfit.cli.main import main

__all__ = ["main"]

"""Whole numbers on the command line."""

from collections.abc import Sequence

from cyclopts import Token


def whole(kind: object, tokens: Sequence[Token]) -> int:
    """A whole number; the parser's own way would round 2.5 to one."""
    del kind
    try:
        return int(tokens[0].value)
    except ValueError:
        raise ValueError(f"it must be a whole number, got {tokens[0].value!r}") from None

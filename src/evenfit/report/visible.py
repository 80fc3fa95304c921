"""Text from outside made fit to be shown: what cannot be seen, or would turn text around, becomes visible."""

from __future__ import annotations

import unicodedata

_TURNING = {*"\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"}  # they reverse the text that follows


def visible(text: str, *, keep: str = "") -> str:
    r"""Replace control characters, lone surrogates and marks of direction by U+FFFD, but for those to ``keep``.

    Example:
        >>> visible("a\x00b")
        'a\ufffdb'
    """
    return "".join("\N{REPLACEMENT CHARACTER}" if _hidden(each) and each not in keep else each for each in text)


def _hidden(character: str) -> bool:
    """Whether a character is none that can be shown."""
    return character in _TURNING or unicodedata.category(character) in ("Cc", "Cs")

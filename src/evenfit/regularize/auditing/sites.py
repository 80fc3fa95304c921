"""Site: the line of a user's code that did something."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType

import torch

_TORCH = str(Path(torch.__file__).parent)
_HERE = str(Path(__file__).parent)
_OURS = str(Path(__file__).parent.parent)  # evenfit.regularize, whose layers are no more the user's than torch's


@dataclass(frozen=True, kw_only=True)
class Site:
    """A line of a file."""

    file: str
    line: int

    @property
    def code(self) -> str:
        """The line itself, or nothing where the file cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    def __str__(self) -> str:
        return f"{short(self.file)}:{self.line}"


def short(file: str) -> str:
    """Give a path from the working directory, if it lies below it; its name, if not."""
    path = Path(file)
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path.name


def site_of_caller() -> Site | None:
    """Give the innermost line of a user's forward that led here, None where there is none: a Sequential's, say."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(_HERE):  # the audit's own call of the model
            return None
        if not file.startswith((_TORCH, _OURS)) and not file.startswith("<"):
            return Site(file=file, line=frame.f_lineno)
        frame = frame.f_back
    return None


def site_of_error(error: BaseException) -> Site | None:
    """Give the innermost line of a user's code in a traceback."""
    return next((site for site in reversed(list(_lines(error.__traceback__)))), None)


def site_of_trace(trace: str) -> Site | None:
    """Give the innermost line of a user's code in a stack trace as torch writes it into exported graphs."""
    found = re.findall(r'File "(.+?)", line (\d+)', trace)
    users = [(file, line) for file, line in found if not file.startswith((_TORCH, _OURS))]
    return Site(file=users[-1][0], line=int(users[-1][1])) if users else None


def _lines(trace: TracebackType | None) -> Iterator[Site]:
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((_TORCH, _OURS, "<")):
            yield Site(file=file, line=trace.tb_lineno)
        trace = trace.tb_next

"""How far a run is, on standard error: a bar on a terminal, now and then a plain line elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from evenfit.runs.progress import Progress, Report, ignore

if TYPE_CHECKING:
    from rich.table import Table

_LINE_SECONDS = 5.0
_BAR_SECONDS = 0.2
_BAR_CELLS, _FEWEST_CELLS = 24, 8  # on a wide terminal, and on one of 80 columns, where the words need the room
_WIDE = 110


@contextmanager
def reporting(
    *, quiet: bool, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Report]:
    """Give a function that shows progress until the block ends.

    ``quiet`` keeps a log or a pipe free of it; a person at a terminal sees the bar all the same.
    """
    out = sys.stderr if stream is None else stream
    if not out.isatty():
        yield ignore if quiet else _lines(out, clock)
        return
    if os.environ.get("TERM", "") in ("dumb", "unknown"):  # it cannot write over a line
        yield _lines(out, clock)
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    # Refreshed by hand: a thread would be alive when the workers start.
    with Live(console=Console(file=out), auto_refresh=False, transient=True) as live:
        due = -_BAR_SECONDS

        def show(progress: Progress) -> None:
            nonlocal due
            if progress.line:
                live.console.print(Text(progress.line))
                return
            if (now := clock()) >= due:
                due = now + _BAR_SECONDS
                live.update(_bar(progress, width=live.console.width), refresh=True)

        yield show


def sentence(progress: Progress, *, brief: bool = False) -> str:
    """A moment of a run in one line: time left, configs tried, epochs where they are limited, best so far, fleets.

    ``brief`` leaves out how many configs are in those fleets.
    """
    parts = []
    if progress.seconds_left is not None:
        parts.append(f"{_duration(progress.seconds_left)} left")
    else:
        parts.append(f"{_duration(progress.seconds_spent)} spent")
    if progress.models_done is None:
        total = "" if progress.trials_left is None else f" of {progress.trials_done + progress.trials_left}"
        parts.append(f"{progress.trials_done}{total} {_plural(progress.trials_done, 'config')} tried")
    elif progress.models_done + progress.models_left:
        parts.append(f"{progress.models_done} of {progress.models_done + progress.models_left} models fitted")
    if progress.epochs_left is not None:
        parts.append(f"{progress.epochs_done:,} of {progress.epochs_done + progress.epochs_left:,} epochs")
    if progress.best_loss is not None:
        parts.append(f"best loss {progress.best_loss:.4g}")
    if progress.fleets:
        count = progress.trials_running
        running = f" ({count} {_plural(count, 'config')})" if count and not brief else ""
        parts.append(f"{progress.fleets} {_plural(progress.fleets, 'fleet')} in flight{running}")
    if progress.note:
        parts.append(progress.note)
    return " · ".join(parts)


def _plural(count: int, noun: str) -> str:
    """A noun for one or for several."""
    return noun if count == 1 else f"{noun}s"


def _lines(out: TextIO, clock: Callable[[], float]) -> Report:
    """Show progress as a plain line every few seconds, and whenever the note changes."""
    due, note = float("-inf"), ""

    def show(progress: Progress) -> None:
        nonlocal due, note
        if progress.line:
            _write(out, progress.line)
            return
        if (now := clock()) < due and progress.note == note:
            return
        due, note = now + _LINE_SECONDS, progress.note
        _write(out, sentence(progress))

    return show


def _write(out: TextIO, line: str) -> None:
    """Write a line at once, whatever the stream's encoding can show."""
    encoding = getattr(out, "encoding", None) or "utf-8"
    out.write(line.encode(encoding, "replace").decode(encoding) + "\n")
    out.flush()


def _bar(progress: Progress, *, width: int) -> "Table":
    """A bar of what is spent, and the sentence beside it: a brief one where there is little room."""
    from rich.progress_bar import ProgressBar
    from rich.table import Table as Grid
    from rich.text import Text

    grid = Grid.grid(padding=(0, 1))
    share = progress.share()
    cells = _BAR_CELLS if width >= _WIDE else _FEWEST_CELLS
    said = sentence(progress)
    if len(said) + 1 + cells > width:
        said = sentence(progress, brief=True)
    beside = Text(said, no_wrap=True, overflow="ellipsis")
    if share is None:
        grid.add_row(beside)
    else:
        grid.add_row(ProgressBar(total=1.0, completed=share, width=cells), beside)
    return grid


def _duration(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
        >>> _duration(75.0)
        '1m 15s'
    """
    whole = max(0, round(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h {minutes:02d}m"
    return f"{minutes}m {left:02d}s" if minutes else f"{left}s"

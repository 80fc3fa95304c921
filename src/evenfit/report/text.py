"""A study as text for a terminal: readable at 80 columns and without colours."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from evenfit.report.facts import Facts
from evenfit.report.findings import commands, findings
from evenfit.report.side_by_side import side_by_side
from evenfit.report.visible import visible
from evenfit.report.words import spending
from evenfit.results.study import Study


def text(study: Study, facts: Facts, *, width: int = 80) -> str:
    """The report as plain text, in lines of at most ``width`` characters where words allow."""
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    console.print(renderable(study, facts))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def renderable(study: Study, facts: Facts) -> RenderableType:
    """The report for a rich console: a table of both configs, then what was found, then what to do next."""
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for heading, said in (*findings(study, facts), ("spent", spending(study, facts)), ("run", facts.folder)):
        grid.add_row(heading, Text(visible(said)))
    for number, line in enumerate(commands(facts)):
        grid.add_row("" if number else "next", Text(visible(line), style="cyan"))
    return Group(_sides(study), Text(), grid)


def _sides(study: Study) -> RichTable:
    """The side by side table: names to the left, numbers to the right."""
    known = side_by_side(study)
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for number, column in enumerate(known.columns):  # numbers too long for the terminal go on below, never cut
        shown.add_column(Text(column), justify="right" if number else "left", no_wrap=not number)
    for row in known.rows:
        shown.add_row(*map(Text, row))
    return shown

"""A measurement as text for a terminal: readable at 80 columns and without colours."""

from __future__ import annotations

import io

from rich import box
from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from evenfit.report.digits import count, duration
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.story import Story
from evenfit.report.visible import visible

MOST_NOTES = 5  # the page has all


def text(story: Story, facts: MeasureFacts, *, width: int = 80) -> str:
    """The report as plain text, in lines of at most ``width`` characters where words allow."""
    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, force_terminal=False, legacy_windows=False)
    console.print(renderable(story, facts))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def renderable(story: Story, facts: MeasureFacts) -> RenderableType:
    """The report for a rich console: what to take away, the numbers, what was found, what to do next."""
    grid = RichTable.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    notes = list(dict.fromkeys(facts.notes))
    if len(notes) > MOST_NOTES:
        notes[MOST_NOTES - 1 :] = [f"{count(len(notes) - MOST_NOTES + 1, 'more note')} in report.html"]
    ends = [("note", note) for note in notes]
    ends += [("spent", duration(facts.seconds)), ("folder", facts.folder)]
    for heading, said in (*story.findings, *ends):
        grid.add_row(heading, Text(visible(said)))
    for number, line in enumerate(story.next):
        grid.add_row("" if number else "next", Text(visible(line), style="cyan"))
    return Group(Text(visible(story.lead)), Text(), _numbers(story), Text(), grid)


def _numbers(story: Story) -> RichTable:
    """The table: names to the left, numbers to the right."""
    known = story.table
    shown = RichTable(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for number, column in enumerate(known.columns):  # numbers too long for the terminal go on below, never cut
        words = number == 0 or any(len(row[number]) > 24 for row in known.rows)
        shown.add_column(Text(column), justify="left" if words else "right", overflow="fold")
    for row in known.rows:
        shown.add_row(*map(Text, map(visible, row)))
    return shown

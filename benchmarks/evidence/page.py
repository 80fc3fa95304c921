"""The page: every study with its tables and figures, as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from benchmarks.evidence.study import Study
from matplotlib.figure import Figure

FIGURES = "evidence"  # their folder, beside the page
INTRODUCTION = """
Made by `python -m benchmarks.evidence`, words and numbers alike, with the fleet that `evenfit fit` trains with. Every
mean is over {seeds} seeds, tables or repeats, with Student's 95% interval in brackets; differences are paired. "Not
shown to differ" means that the interval of the paired difference holds zero.
"""
SPENT = """
{total:.0f} seconds, processes of one thread each: {processes}. By study: {each}. The code of every study is in
`benchmarks/evidence`.
"""


def write(
    studies: Mapping[str, Study], output: Path, *, seeds: int, seconds: Mapping[str, float], processes: int
) -> Path:
    """Write ``evidence.md`` and its figures into a folder; give the page."""
    output.mkdir(parents=True, exist_ok=True)
    parts = ["# Evidence: what regularisation does", wrapped(INTRODUCTION.format(seeds=seeds))]
    for study in studies.values():
        parts += [f"## {study.title}", wrapped(study.setting), study.table.markdown()]
        parts.append("\n".join(wrapped(finding, mark="- ") for finding in study.findings))
        if study.figure is not None:
            path = Path(FIGURES) / f"{study.name}.svg"
            draw(study.figure, output / path)
            parts.append(f"![{study.caption}]({path.as_posix()})")
    each = ", ".join(f"{name} {spent:.0f}" for name, spent in seconds.items())
    parts += ["## How long it took", wrapped(SPENT.format(total=sum(seconds.values()), processes=processes, each=each))]
    page = output / "evidence.md"
    page.write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return page


def wrapped(text: str, *, mark: str = "") -> str:
    """One paragraph in lines of 120, whatever its lines were."""
    return textwrap.fill(
        " ".join(text.split()),
        width=120,
        initial_indent=mark,
        subsequent_indent=" " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )


def draw(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, the same bytes for the same numbers."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.patch.set_visible(True)  # white, so that it can be read on a dark page
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "evenfit"}):
        figure.savefig(path, format="svg", metadata={"Date": None})

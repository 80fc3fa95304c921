"""An audit for people: 80 columns, worst first, one paragraph for each kind of mistake."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape

from evenfit.regularize.auditing.finding import SEVERITIES, Finding

WIDTH = 80
_LABEL = 9  # columns of what stands to the left
_MOST = 6  # layers that are named


def text(model: str, findings: Sequence[Finding], *, looked: str, unseen: Sequence[str]) -> str:
    """Give an audit as text."""
    paragraphs = [f"{model}: {summary(findings)}", *map(_paragraph, grouped(findings))]
    labels = ["unseen", *[""] * len(unseen)]
    paragraphs.append("\n".join([_said("looked", looked), *map(_said, labels, unseen)]))
    return "\n\n".join(paragraphs)


def html(model: str, findings: Sequence[Finding], *, looked: str, unseen: Sequence[str]) -> str:
    """Give an audit as a table of HTML."""
    rows = "".join(
        f"<tr><td>{each.severity}</td><td>{escape(_places(each))}</td>"
        f"<td><b>{escape(each.title)}</b><br>{escape(each.evidence)}<br><code>{escape(each.mend)}</code><br>"
        f"<small>{escape(each.source)}</small></td></tr>"
        for each in findings
    )
    below = "<br>".join(escape(each) for each in (f"looked: {looked}", *(f"unseen: {each}" for each in unseen)))
    return (
        f"<p><b>{escape(model)}</b>: {summary(findings)}</p>"
        f'<table class="evenfit" style="text-align: left">{rows}</table><p><small>{below}</small></p>'
    )


def summary(findings: Sequence[Finding]) -> str:
    """Count findings by severity.

    Example:
        >>> summary([])
        'nothing found'
    """
    counts = [(sum(each.severity == severity for each in findings), severity) for severity in SEVERITIES]
    said = [f"{number} {severity}{'s' if number > 1 else ''}" for number, severity in counts if number]
    return ", ".join(said) or "nothing found"


def grouped(findings: Sequence[Finding]) -> list[list[Finding]]:
    """Put findings of one check and one severity together, in the order of the first."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for each in findings:
        found.setdefault((each.severity, each.check), []).append(each)
    return list(found.values())


def _paragraph(findings: Sequence[Finding]) -> str:
    """Tell the first in full, name the others, and say what to do."""
    first, *others = findings
    lines = [_said(first.severity.upper(), first.title), _said("", f"{_places(first)}: {first.evidence}")]
    if others:
        also = [f"{each.layer} ({each.figure})" if each.figure else each.layer for each in others]
        more = f" and {len(also) - _MOST} more" if len(also) > _MOST else ""
        lines.append(_said("also", ", ".join(also[:_MOST]) + more))
    return "\n".join([*lines, _said("mend", first.mend), _said("source", first.source)])


def _places(finding: Finding) -> str:
    """Name the layers of a finding."""
    names = [name or "the model" for name in finding.layers]
    return ", ".join(names) if len(names) <= _MOST else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _said(label: str, said: str) -> str:
    """Put a label to the left of a text that is broken into lines; names and code are left whole."""
    return textwrap.fill(
        said,
        WIDTH,
        initial_indent=label.ljust(_LABEL),
        subsequent_indent=" " * _LABEL,
        break_long_words=False,
        break_on_hyphens=False,
    )

"""A study in a few lines of HTML, as a notebook shows it."""

from __future__ import annotations

from html import escape

from evenfit.report.words import as_interval, as_score, better, metric_word, regularisation, tried
from evenfit.results.study import Study


def short(study: Study) -> str:
    """What to expect, the verdict, whether tuning helped, and what was selected."""
    metric, known = study.truth.metric, as_interval(study.estimate)
    score = as_score(metric, known)
    expected = (
        f"{metric_word(metric)} {known.mean:.4g} ({known.level:.0%} interval {known.low:.4g} to {known.high:.4g})"
    )
    lines = {
        "on fresh rows": f"{expected}; {score}" if score else expected,
        "verdict": study.verdict.sentence,
        "default": better(study.comparison, metric=metric),
        "selected": regularisation(study.selected.config, task=study.truth.task),
        "tried": tried(study),
    }
    cells = (
        f'<tr><th style="text-align: left; vertical-align: top">{name}</th>'
        f'<td style="text-align: left">{escape(said)}</td></tr>'
        for name, said in lines.items()
    )
    return f'<table class="evenfit">{"".join(cells)}</table>'

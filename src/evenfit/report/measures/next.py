"""Next: what to type after a measurement."""

from __future__ import annotations

import shlex

from evenfit.report.measures.facts import MeasureFacts


def diagnose_line(facts: MeasureFacts) -> str:
    """The command that diagnoses the same network on the same table."""
    return f"evenfit diagnose {_same(facts)}"


def learning_line(facts: MeasureFacts) -> str:
    """The command that measures the learning curve of the same network on the same table."""
    return f"evenfit learning-curve {_same(facts)}"


def fit_line(facts: MeasureFacts) -> str:
    """The command that tunes a network on the same table."""
    return f"evenfit fit {shlex.quote(facts.table)} --target {shlex.quote(facts.target)}"


def _same(facts: MeasureFacts) -> str:
    table, target = shlex.quote(facts.table), shlex.quote(facts.target)
    return f"{table} --target {target} --config {shlex.quote(facts.folder)}"

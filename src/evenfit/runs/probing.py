"""Probing: a plan with what it will cost, by how fast this machine trains the default config for a moment."""

from __future__ import annotations

import time
from dataclasses import replace

from evenfit.experiments.probe import probe
from evenfit.fleet.warm import is_cold
from evenfit.runs.forecasting import ALONE, RUNNING, end_seconds, forecast
from evenfit.runs.plan import Plan

PROBE_SECONDS = 2.0  # that are trained; the table is encoded before, and one validation follows


def measured_plan(plan: Plan, *, begun: float) -> Plan:
    """Give the plan with what is to be expected; as it is where the engine is yet to be compiled.

    Args:
        plan: what would run.
        begun: moment of the monotonic clock at which this program began, as a fit's does.
    """
    if is_cold():
        return plan
    search, now = plan.search, time.monotonic()
    known = probe(search.problem, search.space.default, seconds=PROBE_SECONDS)
    before, after = now - begun + known.preparing_seconds, end_seconds(search.problem.table.rows)
    seconds = search.budget.seconds
    expected = forecast(
        search,
        default_seconds=known.default_seconds,
        workers=plan.workers,
        speeds=ALONE if plan.workers > 1 else RUNNING,
        before=before,
        after=after,
        train=None if seconds is None else max(0.1 * seconds, seconds - before - after - 0.045 * min(seconds, 60.0)),
    )
    return replace(plan, expected=expected, probe_seconds=known.probe_seconds)

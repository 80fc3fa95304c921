"""Regime: what a diagnosis says is the matter, with the evidence for and against it."""

from __future__ import annotations

from dataclasses import dataclass

from evenfit.results.study import Interval

UNDERFIT, OVERFIT, BALANCED = "underfit", "overfit", "balanced"
UNREPRESENTATIVE, NOISE_LIMITED, CANNOT_TELL = "unrepresentative split", "noise-limited", "cannot tell"
REGIMES = (UNDERFIT, OVERFIT, BALANCED, UNREPRESENTATIVE, NOISE_LIMITED, CANNOT_TELL)
CONFIDENCES = ("high", "moderate", "low")


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """One thing that was measured, and what it speaks for."""

    name: str  # gap, falling, more_data, ...: the same in every diagnosis
    words: str  # one sentence, with the numbers
    value: Interval | None = None  # the number, where it is one
    unit: str = "loss"  # of the value: loss, score, percent, share, auc
    speaks_for: tuple[str, ...] = ()  # regimes
    speaks_against: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Regime:
    """The verdict of a diagnosis."""

    name: str  # one of REGIMES
    confidence: str  # one of CONFIDENCES
    sentence: str  # the verdict in words, with the numbers that carry it
    action: str  # what to do next: a sentence
    evidence: tuple[Evidence, ...] = ()  # the most telling first

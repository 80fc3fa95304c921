"""Audit: what was found in a model, how it was looked at, and what could not be seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from evenfit.regularize.auditing.finding import SEVERITIES, Finding, check_severity
from evenfit.regularize.auditing.text import html, text


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What was found in a model, worst first."""

    model: str  # its class
    findings: tuple[Finding, ...]
    way: str  # "run": on a sample; "trace": by torch.fx; "parts": its parts by torch.fx; "export": the exported graph
    looked: str  # the same in words
    unseen: tuple[str, ...] = ()  # what could not be looked at, and why
    checks: tuple[str, ...] = ()  # the names of the checks that were made

    @property
    def worst(self) -> str | None:
        """The worst severity that was found; None where nothing was."""
        return self.findings[0].severity if self.findings else None

    def at_least(self, severity: str) -> tuple[Finding, ...]:
        """Give the findings of that severity or a worse one.

        Raises:
            RegularizeError: there is no such severity.
        """
        bound = SEVERITIES.index(check_severity(severity))
        return tuple(each for each in self.findings if SEVERITIES.index(each.severity) <= bound)

    def of(self, check: str) -> tuple[Finding, ...]:
        """Give the findings of one check."""
        return tuple(each for each in self.findings if each.check == check)

    @property
    def counts(self) -> dict[str, int]:
        """How many findings there are of each severity."""
        found = Counter(each.severity for each in self.findings)
        return {severity: found[severity] for severity in SEVERITIES}

    def to_json(self) -> dict[str, Any]:
        """Give the audit as plain values."""
        return {
            "model": self.model,
            "way": self.way,
            "looked": self.looked,
            "counts": self.counts,
            "findings": [each.to_json() for each in self.findings],
            "unseen": list(self.unseen),
            "checks": list(self.checks),
        }

    def __str__(self) -> str:
        return text(self.model, self.findings, looked=self.looked, unseen=self.unseen)

    def _repr_html_(self) -> str:
        return html(self.model, self.findings, looked=self.looked, unseen=self.unseen)

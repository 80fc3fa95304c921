"""Finding: one mistake in a model, with its evidence, what to do about it, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenfit.errors import RegularizeError

SEVERITIES = ("error", "warning", "note")  # worst first


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One mistake, of one layer or of several that share it."""

    check: str  # its name in CHECKS
    title: str  # the mistake in a few words
    severity: str  # "error": results are wrong; "warning": likely not what was meant; "note": harmless, or not shown
    layers: tuple[str, ...]  # qualified names; "block.forward" is code in the forward of the module "block"
    evidence: str  # what was seen and measured, as one sentence
    figure: str = ""  # the one number of the evidence that matters most
    data: Mapping[str, Any] = field(default_factory=dict)  # the same numbers, for programs
    mend: str  # what to do, as code where that can be said
    source: str  # author, title and year, or where torch says so

    @property
    def layer(self) -> str:
        """The first of the layers."""
        return self.layers[0] if self.layers else ""

    def to_json(self) -> dict[str, Any]:
        """Give the finding as plain values."""
        return {
            "check": self.check,
            "title": self.title,
            "severity": self.severity,
            "layer": self.layer,
            "layers": list(self.layers),
            "evidence": self.evidence,
            "figure": self.figure,
            "data": dict(self.data),
            "mend": self.mend,
            "source": self.source,
        }


def check_severity(severity: str) -> str:
    """Give the severity.

    Raises:
        RegularizeError: it is not one of SEVERITIES.
    """
    if severity not in SEVERITIES:
        raise RegularizeError(f"severity must be one of {', '.join(SEVERITIES)}; got {severity!r}")
    return severity

"""Evidence: what regularisation does, over many seeds, beside what was published.

    python -m benchmarks.evidence                 # all studies, written to docs/evidence.md
    python -m benchmarks.evidence --quick --output /tmp/evidence
    python -m benchmarks.evidence --only sonar --output /tmp/evidence

To add a study, write a module with ``study(effort)`` and name it in ``STUDIES``.
"""

STUDIES = ("circles", "moons", "sonar", "rates", "sizes", "sampling", "selection")

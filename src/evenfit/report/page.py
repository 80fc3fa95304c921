"""The report of a study as one HTML page that needs nothing else: no script, no other file, no network."""

from __future__ import annotations

from evenfit.report import sections
from evenfit.report.depended import depended
from evenfit.report.facts import Facts
from evenfit.report.frame import frame
from evenfit.report.front import front
from evenfit.report.words import takeaway
from evenfit.results.study import Study


def page(study: Study, facts: Facts) -> str:
    """Write the page."""
    return frame(
        name=facts.name,
        eyebrow="evenfit report",
        lead=takeaway(study, facts),
        description=facts.description,
        cards=sections.cards(study),
        body=[
            sections.both_configs(study, facts),
            sections.learning(study, facts),
            sections.search(study, facts),
            sections.nested(study, facts),
            front(study, facts),
            depended(study, facts),
            sections.hyperparameters(study, facts),
            sections.predictions(study, facts),
            sections.columns(study, facts),
            sections.regularisation(study, facts),
            sections.all_configs(study, facts),
            sections.data(study, facts),
            sections.how(study, facts),
            sections.selected_config(study, facts),
        ],
        command=facts.command,
        versions=facts.versions,
    )

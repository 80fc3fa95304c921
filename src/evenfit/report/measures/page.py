"""A measurement as one HTML page that needs nothing else: no script, no other file, no network."""

from __future__ import annotations

from collections.abc import Sequence

from evenfit.report import markup
from evenfit.report.digits import duration
from evenfit.report.frame import frame
from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.story import Story
from evenfit.report.toml import toml
from evenfit.report.words import network, regularisation


def page(story: Story, facts: MeasureFacts, sections: Sequence[str]) -> str:
    """Write the page: the findings, the sections with their figures, the data, how it was done, the config."""
    return frame(
        name=facts.name,
        eyebrow=f"evenfit {story.kind}",
        lead=story.lead,
        description=facts.description,
        cards=markup.cards(*story.cards),
        body=[
            markup.section(
                "found",
                "What was found",
                markup.rows(story.table, caption="What was found"),
                markup.definitions(story.findings),
            ),
            *sections,
            _data(facts),
            _config(facts),
        ],
        command=facts.command,
        versions=facts.versions,
    )


def _data(facts: MeasureFacts) -> str:
    """What the table was, and what was left out of it."""
    return markup.section(
        "data",
        "The data",
        markup.definitions(
            (("table", facts.table), ("understood as", facts.description), ("spent", duration(facts.seconds)))
        ),
        markup.block("Left out", markup.bullets(f"{column}: {why}" for column, why in facts.left_out)),
        markup.block("Notes", markup.bullets(dict.fromkeys(facts.notes))),
    )


def _config(facts: MeasureFacts) -> str:
    """The network that was measured."""
    ends = "" if facts.epoch is None else f"; its training ends after epoch {facts.epoch:,}"
    return markup.section(
        "toml",
        "The network that was measured",
        markup.definitions(
            (
                ("from", f"{facts.source}{ends}"),
                ("network", network(facts.config, task=facts.task)),
                ("regularised", regularisation(facts.config, task=facts.task)),
            )
        ),
        markup.code(toml(facts.config, title="config.toml")),
    )

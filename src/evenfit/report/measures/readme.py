"""The README of a measurement's folder: what was found, what each file is, what to type next."""

from __future__ import annotations

from evenfit.report.measures.facts import MeasureFacts
from evenfit.report.measures.story import Story
from evenfit.report.readme import inline
from evenfit.report.visible import visible

FILES = {  # name in a measurement's folder: what it holds
    "report.html": "the report: open it in a browser, it needs nothing else",
    "numbers.json": "every number of the report for programs, as `--json` prints it",
    "config.toml": "the network that was measured, each value with its meaning; `--config` takes it",
    "README.md": "this file",
}


def readme(story: Story, facts: MeasureFacts) -> str:
    """Markdown that explains a measurement's folder."""
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in FILES.items())
    typed = "\n".join(map(visible, story.next))
    ends = f"\n## Next\n\n```\n{typed}\n```\n" if typed else ""
    return f"""# {inline(facts.name)}

{inline(story.lead)}

Made by `{visible(facts.command.replace("`", "'"))}`.

| file | what it is |
|---|---|
{rows}
{ends}"""

"""The README of a run's folder: what each file in it is, and what to type next."""

from __future__ import annotations

from evenfit.report.facts import Facts
from evenfit.report.findings import commands
from evenfit.report.visible import visible
from evenfit.report.words import spending, takeaway
from evenfit.results.study import Study

FILES = {  # name in a run's folder: what it holds
    "model": "the trained model: weights as safetensors, everything else as JSON; `evenfit predict` reads it",
    "report.html": "the report: open it in a browser, it needs nothing else",
    "config.toml": "the selected config, each value with its meaning",
    "metrics.json": "every number of the report for programs, as `evenfit show --json` prints it",
    "trials": "the networks that the model was made of, a file for each config, as safetensors",
    "request.toml": "what was asked for: `evenfit fit --config` repeats it",
    "README.md": "this file",
}


def readme(study: Study, facts: Facts) -> str:
    """Markdown that explains a run's folder."""
    rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in FILES.items())
    typed = "\n".join(commands(facts))
    return f"""# {inline(facts.name)}

{inline(takeaway(study, facts))}

Made by `{visible(facts.command.replace("`", "'"))}` in {spending(study, facts)}.

| file | what it is |
|---|---|
{rows}

## Next

```
{typed}
evenfit score {commands(facts)[1].removeprefix("evenfit show ")} labelled.csv
```
"""


def inline(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return "".join(
        f"\\{character}" if character in "\\`*_[]<>#|" else character for character in visible(" ".join(text.split()))
    )

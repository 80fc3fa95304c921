"""The report as one HTML page that needs nothing else: no script, no other file, no network."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files

from evenfit.report import sections
from evenfit.report.facts import Facts
from evenfit.report.markup import text
from evenfit.report.words import takeaway
from evenfit.results.study import Study


def page(study: Study, facts: Facts) -> str:
    """Write the page.

    Its content policy allows its own style sheet and nothing else; every name that came from
    outside is text. Light or dark as the reader's system asks; figures follow.
    """
    style = files("evenfit.report").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    body = [
        sections.both_configs(study, facts),
        sections.learning(study, facts),
        sections.search(study, facts),
        sections.hyperparameters(study, facts),
        sections.predictions(study, facts),
        sections.columns(study, facts),
        sections.regularisation(study, facts),
        sections.all_configs(study, facts),
        sections.data(study, facts),
        sections.how(study, facts),
        sections.selected_config(study, facts),
    ]
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="evenfit">
<link rel="icon" href="data:,">
<title>{text(facts.name)} · evenfit</title>
<style>{style}</style>
</head>
<body>
<header>
<p class="eyebrow">evenfit report</p>
<h1>{text(facts.name)}</h1>
<p class="lead">{text(takeaway(study, facts))}</p>
<p class="muted">{text(facts.description)}</p>
{sections.cards(study)}
{_contents(body)}
</header>
<main>
{chr(10).join(part for part in body if part)}
</main>
{_footer(facts)}
</body>
</html>
"""


def _contents(body: Sequence[str]) -> str:
    """Links to the sections that are there."""
    found = [re.match(r'<section id="([a-z]+)">\n<h2>(.*?)</h2>', part) for part in body if part]
    links = "".join(f'<li><a href="#{known[1]}">{known[2]}</a></li>' for known in found if known)
    return f'<nav aria-label="Sections"><ul>{links}</ul></nav>'


def _footer(facts: Facts) -> str:
    """How to repeat this, and with what it was made."""
    versions = ", ".join(f"{package} {version}" for package, version in facts.versions)
    return f"<footer><p><code>{text(facts.command)}</code></p><p>{text(versions)}</p></footer>"

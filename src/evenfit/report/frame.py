"""The frame of every page: one HTML file that needs nothing else, no script, no other file, no network."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib.resources import files

from evenfit.report.markup import text


def frame(
    *,
    name: str,
    eyebrow: str,
    lead: str,
    description: str,
    cards: str,
    body: Sequence[str],
    command: str,
    versions: Sequence[tuple[str, str]],
) -> str:
    """Put the parts of a page together.

    Its content policy allows its own style sheet and nothing else; every name that came from
    outside is text. Light or dark as the reader's system asks; figures follow.

    Args:
        name: the page's title.
        eyebrow: what kind of page it is, above the title.
        lead: what to take away.
        description: the data, in a line.
        cards: HTML of the findings to remember.
        body: HTML of the sections; those that are empty are left out.
        command: the command line that made it.
        versions: packages and their versions.
    """
    style = files("evenfit.report").joinpath("page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="evenfit">
<link rel="icon" href="data:,">
<title>{text(name)} · evenfit</title>
<style>{style}</style>
</head>
<body>
<header>
<p class="eyebrow">{text(eyebrow)}</p>
<h1>{text(name)}</h1>
<p class="lead">{text(lead)}</p>
<p class="muted">{text(description)}</p>
{cards}
{_contents(body)}
</header>
<main>
{chr(10).join(part for part in body if part)}
</main>
{_footer(command, versions)}
</body>
</html>
"""


def _contents(body: Sequence[str]) -> str:
    """Links to the sections that are there."""
    found = [re.match(r'<section id="([a-z]+)">\n<h2>(.*?)</h2>', part) for part in body if part]
    links = "".join(f'<li><a href="#{known[1]}">{known[2]}</a></li>' for known in found if known)
    return f'<nav aria-label="Sections"><ul>{links}</ul></nav>'


def _footer(command: str, versions: Sequence[tuple[str, str]]) -> str:
    """How to repeat this, and with what it was made."""
    made = ", ".join(f"{package} {version}" for package, version in versions)
    return f"<footer><p><code>{text(command)}</code></p><p>{text(made)}</p></footer>"

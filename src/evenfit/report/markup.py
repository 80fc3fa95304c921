"""HTML from text: every name is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from evenfit.report.table import Table
from evenfit.report.visible import visible

_NUMBER = set("0123456789.,-+e%()< ")


def text(value: str) -> str:
    """Text that HTML shows as it is; control characters become visible."""
    return escape(visible(value, keep="\n\t"), quote=True)


def section(name: str, title: str, *parts: str) -> str:
    """A part of the page with its heading; nothing where all parts are empty."""
    body = "\n".join(part for part in parts if part)
    return f'<section id="{name}">\n<h2>{text(title)}</h2>\n{body}\n</section>' if body else ""


def paragraph(*sentences: str) -> str:
    """A paragraph of plain text."""
    return f"<p>{text(' '.join(sentences))}</p>"


def figure(drawing: str, *, caption: str, table: Table, title: str = "") -> str:
    """A drawing with its title, what it says and, folded away, its numbers."""
    heading = f"<h3>{text(title)}</h3>" if title else ""
    said = f"<figcaption>{text(caption)}</figcaption>" if caption else ""
    return (
        f"<figure>{heading}{drawing}{said}"
        f"<details><summary>Numbers</summary>{rows(table, caption=title or caption)}</details></figure>"
    )


def figures(*parts: str, kind: str = "pair") -> str:
    """Figures side by side where there is room."""
    known = [part for part in parts if part]
    return f'<div class="figures {kind}">{"".join(known)}</div>' if known else ""


def block(title: str, body: str) -> str:
    """A part of a section under a small heading; nothing where the body is empty."""
    return f"<div><h3>{text(title)}</h3>{body}</div>" if body else ""


def aside(title: str, said: str) -> str:
    """Words set apart beside figures."""
    return f'<div class="card"><h3>{text(title)}</h3><p>{text(said)}</p></div>'


def cards(*known: tuple[str, str, str]) -> str:
    """Findings to remember: heading, the finding in large type, a line below."""
    body = "".join(
        f'<div class="card"><h3>{text(heading)}</h3><p class="big">{text(big)}</p><p>{text(below)}</p></div>'
        for heading, big, below in known
    )
    return f'<div class="cards">{body}</div>'


def rows(table: Table, *, caption: str, marked: Mapping[int, str] | None = None) -> str:
    """A table that scrolls by itself; ``marked`` rows, by place, get a class."""
    numeric = [all(_is_number(row[place]) for row in table.rows) for place in range(len(table.columns))]
    head = "".join(f'<th scope="col"{_right(numeric[i])}>{text(name)}</th>' for i, name in enumerate(table.columns))
    body = []
    for place, row in enumerate(table.rows):
        kind = (marked or {}).get(place, "")
        first = f'<th scope="row"{_right(numeric[0])}>{text(row[0])}</th>'
        cells = "".join(f"<td{_right(numeric[i])}>{text(cell)}</td>" for i, cell in enumerate(row) if i)
        body.append(f"<tr{f' class={chr(34)}{kind}{chr(34)}' if kind else ''}>{first}{cells}</tr>")
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(caption)}"><table>'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Headings with what is said under them."""
    known = "".join(f"<dt>{text(heading)}</dt><dd>{text(said)}</dd>" for heading, said in pairs)
    return f"<dl>{known}</dl>"


def bullets(lines: Iterable[str]) -> str:
    """A list; nothing where it is empty."""
    known = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f"<ul>{known}</ul>" if known else ""


def code(value: str) -> str:
    """Text as it was typed."""
    return f'<pre tabindex="0"><code>{text(value)}</code></pre>'


def _is_number(cell: str) -> bool:
    """Whether a cell reads as a number or an interval."""
    return set(cell.replace(" to ", " ").replace("not known", "").replace("none", "")) <= _NUMBER


def _right(numeric: bool) -> str:  # noqa: FBT001  a column's kind
    """The class of numbers, which end at the same edge."""
    return ' class="number"' if numeric else ""

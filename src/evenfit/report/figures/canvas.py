"""The sheet that every figure is drawn on: size, colours, quiet axes, and SVG that follows the page's colours.

Colours are those of Okabe & Ito, "Color universal design", 2008: told apart with any colour
vision. A figure is drawn in the light ones; `svg` turns each into a variable of the page, so that
one drawing serves a light and a dark page.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from evenfit.report.digits import short
from evenfit.report.visible import visible

SELECTED = "#0072b2"
DEFAULT = "#d55e00"
CORRECTED = "#009e73"
INK = "#222428"
MUTED = "#6b7078"
GRID = "#dfe2e6"
THIRD, FOURTH = "#e69f00", "#cc79a7"
VARIABLES = {
    SELECTED: "selected",
    DEFAULT: "default",
    CORRECTED: "corrected",
    INK: "ink",
    MUTED: "muted",
    GRID: "grid",
    THIRD: "third",
    FOURTH: "fourth",
}

WIDTH, HEIGHT = 5.0, 3.1  # inches: at 72 points each the text is 9 of them high


def sheet(*, width: float = WIDTH, height: float = HEIGHT, x: str = "", y: str = "") -> tuple[Figure, Axes]:
    """An empty figure with one pair of quiet axes."""
    figure = Figure(figsize=(width, height), layout=None)
    figure.patch.set_visible(False)
    axes = figure.add_subplot()
    quiet(axes, x=x, y=y)
    return figure, axes


def quiet(axes: Axes, *, x: str = "", y: str = "") -> None:
    """Make axes step back: no frame above and to the right, a thin grid, small grey numbers."""
    axes.patch.set_visible(False)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(GRID)
    axes.tick_params(which="both", colors=MUTED, labelsize=8.5, length=3, width=0.6, color=GRID)
    axes.tick_params(which="minor", length=0)
    axes.grid(color=GRID, linewidth=0.6)
    if axes.get_xscale() == "linear":
        axes.locator_params(axis="x", nbins=6)
    axes.set_axisbelow(True)
    axes.set_xlabel(plain(x), color=INK, fontsize=9)
    axes.set_ylabel(plain(y), color=INK, fontsize=9)


def legend(axes: Axes) -> None:
    """A legend in one line above the axes, where it hides nothing."""
    entries = len(axes.get_legend_handles_labels()[1])
    axes.legend(
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        loc="lower left",
        bbox_to_anchor=(-0.02, 0.98),
        ncols=entries,
        handlelength=1.5,
        handletextpad=0.5,
        columnspacing=1.1,
        borderpad=0.2,
    )


def logarithmic(axes: Axes) -> None:
    """Make the loss axis logarithmic, with numbers that are written out."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, digits=2)))
    axes.yaxis.set_minor_formatter(NullFormatter())


def plain(text: str) -> str:
    """Text that is shown as it is: no formulas, no control characters."""
    return visible(text).replace("$", r"\$")


def shortened(text: str, *, most: int = 24) -> str:
    """A name cut to what fits beside an axis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def finish(figure: Figure, *, left: float = 0.6, right: float = 0.12, top: float = 0.3, bottom: float = 0.45) -> Figure:
    """Set margins in inches: quicker than a layout that measures every text."""
    width, height = figure.get_size_inches()
    figure.subplots_adjust(left=left / width, right=1 - right / width, top=1 - top / height, bottom=bottom / height)
    return figure


def svg(figure: Figure, *, name: str, title: str) -> str:
    """A figure as an ``<svg>`` element to put into a page, its text readable and its colours the page's.

    No ``style`` attribute is left, so that a page may forbid them; ``name`` keeps the ids of
    figures apart; ``title`` is what a screen reader says.
    """
    out = io.StringIO()
    # Text stays text: it can be read aloud, searched, and takes the page's font.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "evenfit"}), warnings.catch_warnings():
        # The browser has more glyphs than the font that matplotlib measures with.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(out, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    body = out.getvalue()
    body = body[body.index("<svg") :]
    view = re.search(r'viewBox="([^"]+)"', body)
    body = body[body.index(">") + 1 : body.rindex("</svg>")]
    for unwanted in _UNWANTED:
        body = unwanted.sub("", body)
    body = _STYLE.sub(_attributes, body)
    body = _separate_ids(body, name)
    for colour, variable in VARIABLES.items():
        body = body.replace(f'"{colour}"', f'"var(--figure-{variable}, {colour})"')
    title = visible(title)
    label = quoteattr(title)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" class="drawing" '
        f'role="img" aria-label={label} viewBox="{view[1] if view else ""}">'
        f"<title>{escape(title)}</title>{_SPACE.sub('><', body)}</svg>"
    )


_UNWANTED = (
    re.compile(r"<metadata>.*?</metadata>", re.DOTALL),
    re.compile(r"<style.*?</style>", re.DOTALL),
    re.compile(r"<!--.*?-->", re.DOTALL),
    re.compile(r"<defs>\s*</defs>"),
)
_STYLE = re.compile(r' style="([^"]*)"')
_SPACE = re.compile(r">\s*\n\s*<")
_ID = re.compile(r' id="([^"]*)"')
_FONT = re.compile(r"([\d.]+)px")


def _attributes(found: re.Match[str]) -> str:
    """The declarations of a style as attributes of the element, which no content policy forbids."""
    attributes = []
    for declaration in found[1].split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name == "font":
            size = _FONT.search(value)
            attributes.append(f'font-size="{size[1] if size else 9}"')
        elif name:
            attributes.append(f'{name}="{value}"')
    return " " + " ".join(attributes) if attributes else ""


def _separate_ids(body: str, name: str) -> str:
    """Keep the ids that something refers to, under the figure's own name; drop the others."""
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", body))
    body = _ID.sub(lambda found: f' id="{name}-{found[1]}"' if found[1] in used else "", body)
    return re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", body)


def limits(values: Sequence[float], *, margin: float = 0.06) -> tuple[float, float]:
    """Ends of an axis around values, with a little room."""
    low, high = min(values), max(values)
    room = (high - low) * margin or abs(high) * margin or 1.0
    return low - room, high + room

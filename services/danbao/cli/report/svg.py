"""Plots as SVG inside a page: its fonts, its colours, light and dark.

Matplotlib draws with colours that stand for names; here they become the page's own variables, so
that one drawing serves both themes.
"""

import io
import re
from contextlib import AbstractContextManager
from html import escape

import matplotlib as mpl
from matplotlib.figure import Figure

INK, MUTED, GRID = "#010203", "#010204", "#010205"
SERIES = ("#010211", "#010212", "#010213", "#010214", "#010215", "#010216")
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    **{colour: f"--series-{number}" for number, colour in enumerate(SERIES, start=1)},
}
_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "danbao",
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
}


def new_figure(width: float, height: float) -> Figure:
    """Make an empty drawing, in inches of 72 points; draw on it within `styled()`."""
    return Figure(figsize=(width, height), layout="constrained")


def styled() -> AbstractContextManager[None]:
    """The look of all plots."""
    context: AbstractContextManager[None] = mpl.rc_context(_STYLE)
    return context


def to_svg(figure: Figure, name: str, title: str) -> str:
    """Give a drawing as an element of a page, with a title for those who do not see it."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\b(id="|xlink:href="#|url\(#)', rf"\g<1>{name}-", text)
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    box = re.search(r'viewBox="[^"]+"', text)
    assert box is not None
    head = f'<svg {box[0]} role="img" aria-labelledby="{name}-title" class="plot">'
    body = text[text.index(">") + 1 :]
    return f'{head}<title id="{name}-title">{escape(title)}</title>{body}'

"""Pictures of numbers, as PNG. Pure: the same numbers always give the same picture.

matplotlib comes late, since it takes half a second and some 40 MB, and few processes ever draw. Its figures are drawn
without pyplot and without its settings, which are global; it promises nothing to threads, so one draws at a time.

Slack shows a picture 360 to 720 px wide, on a light or a dark page: a white sheet with dark words is read on both.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from threading import Lock
from typing import TYPE_CHECKING

from core.answers import Chart, ForecastChart, FunnelChart, PathChart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PIXELS = (1440, 880)  # twice what Slack shows at most
DPI = 200
WEEKLY_INCHES = (5, 5.6)  # narrow, so that its words are still 9 px high where it is shown 360 px wide
INK, FAINT, GRID, PAPER = "#1d1c1d", "#55555f", "#e6e6ec", "#ffffff"
# Told apart by the colour-blind (Okabe and Ito), and by their lightness in grey.
SERIES = ("#0072b2", "#e69f00", "#d55e00", "#009e73")
FUNNEL = ("#083f63", "#0072b2", "#5fa9d8", "#009e73")  # the last one is the goal
AGED = ("#a9d3ee", "#5fa9d8", "#0072b2", "#083f63")  # the older, the darker
TITLE_POINTS, TEXT_POINTS = 11.5, 9.6
LEGEND_POINTS, TITLE_GAP_POINTS = 27, 12  # between a title and its chart, with a legend and without one
BAR_SHARE = 0.82  # of a group's room
_DRAWING = Lock()


def drawn(chart: Chart | FunnelChart | ForecastChart | PathChart) -> bytes:
    """Give the picture of any of these."""
    if isinstance(chart, PathChart | ForecastChart):
        with _DRAWING:
            return _png(path_figure(chart) if isinstance(chart, PathChart) else forecast_figure(chart))
    return weekly(chart) if isinstance(chart, Chart) else stats(chart)


def forecast_figure(chart: ForecastChart) -> Figure:
    """Give the days to come before they are a PNG: a strip for each mailbox, its cap as a line, what waits on top."""
    figure = _sheet()
    strips = figure.subplots(len(chart.boxes), 1, squeeze=False, sharex=True)
    for axes, (name, sent, caps, waiting) in zip(strips[:, 0], chart.boxes, strict=True):
        places = range(len(sent))
        axes.bar(places, sent, 0.7, color=SERIES[0], label="leaves")
        axes.bar(places, waiting, 0.7, bottom=sent, color=SERIES[2], alpha=0.55, label="waits over night")
        axes.step(
            [at - 0.5 for at in range(len(caps) + 1)],
            [*caps, caps[-1]],
            where="post",
            color=INK,
            linewidth=1,
            label="cap",
        )
        _style(axes, name, chart.days)
        axes.set_title(
            name, loc="left", fontsize=TEXT_POINTS, fontweight="bold", color=INK, pad=5, parse_math=False
        )
        highest = max(a + b for a, b in zip(sent, waiting, strict=True))
        # A cap far above what leaves would press the bars to the ground; it is then out of sight, and nothing waits.
        _axis_of_counts(axes, max(highest, min(max(caps), 2 * highest)))
    strips[0, 0].legend(
        loc="lower right", bbox_to_anchor=(1, 0.98), ncols=3, frameon=False, fontsize=TEXT_POINTS, labelcolor=INK,
        handlelength=1, borderaxespad=0,
    )  # fmt: skip
    return figure


def stats(chart: FunnelChart) -> bytes:
    """Give the picture of figures: the funnel, and the answers of each week."""
    with _DRAWING:
        return _png(stats_figure(chart))


def stats_figure(chart: FunnelChart) -> Figure:
    """Give it before it is a PNG."""
    figure = _sheet()
    left, right = figure.subplots(1, 2, width_ratios=(5, 4.6))
    _funnel(left, "What became of the leads", chart.funnel)
    _columns(right, "Answers, week by week", chart.weeks, chart.answers)
    return figure


def weekly(chart: Chart) -> bytes:
    """Give the picture of the weekly report: what happened in each week, and how long who is paused has been."""
    with _DRAWING:
        return _png(weekly_figure(chart))


def weekly_figure(chart: Chart) -> Figure:
    """Give it before it is a PNG."""
    figure = _sheet()
    figure.set_size_inches(*WEEKLY_INCHES)
    above, below = figure.subplots(2, 1, height_ratios=(6, 3.4))
    _grouped(above, "What happened, week by week", chart.weeks, chart.bars)
    _histogram(below, "Paused now, how long", chart.ages)
    return figure


def path_figure(chart: PathChart) -> Figure:
    """Give a lead's path before it is a PNG: the days from left to right, a row for each step."""
    from bot import path_chart

    figure = _sheet(path_chart.height(chart))
    axes = figure.subplots()
    _bare(axes, path_chart.TITLE, TITLE_GAP_POINTS)
    path_chart.draw(axes, chart)
    return figure


def _sheet(height: int = PIXELS[1]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width = PIXELS[0]
    layout = ConstrainedLayoutEngine(w_pad=0.12, h_pad=0.1, wspace=0.04)
    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=PAPER, layout=layout)


def _png(figure: Figure) -> bytes:
    out = BytesIO()
    figure.savefig(out, format="png", dpi=DPI)
    return out.getvalue()


def _grouped(
    axes: Axes, title: str, places: Sequence[str], series: Sequence[tuple[str, Sequence[int]]]
) -> None:
    """Draw bars side by side, a group for each place, the last one named in bold; a legend stands above."""
    width = BAR_SHARE / max(len(series), 1)
    for number, ((name, values), colour) in enumerate(zip(series, SERIES, strict=False)):
        left = -BAR_SHARE / 2 + width * (number + 0.5)
        axes.bar([at + left for at in range(len(places))], values, width, color=colour, label=name)
    _style(axes, title, places)
    axes.get_xticklabels()[-1].set(fontweight="bold", color=INK)
    _axis_of_counts(axes, max((value for _, values in series for value in values), default=0))
    if not any(any(values) for _, values in series):
        _say(axes, "nothing in these weeks")
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 0.995), ncols=len(series), frameon=False, fontsize=TEXT_POINTS,
        labelcolor=INK, handlelength=1, handleheight=1, handletextpad=0.4, columnspacing=0.9, borderaxespad=0, borderpad=0.3,
    )  # fmt: skip


def _histogram(axes: Axes, title: str, counts: Sequence[tuple[str, int]]) -> None:
    """Draw one bar for each range, its number at its end."""
    names, values = [name for name, _ in counts], [value for _, value in counts]
    bars = axes.barh(range(len(counts)), values, 0.62, color=AGED)
    axes.bar_label(bars, [f"{value:,}" for value in values], padding=3, color=INK, fontsize=TEXT_POINTS)
    axes.set_xlim(0, max([*values, 1]) * 1.3)  # room for the number
    axes.invert_yaxis()
    _bare(axes, title)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks(range(len(names)), names, parse_math=False)


def _funnel(axes: Axes, title: str, steps: Sequence[tuple[str, int | None]]) -> None:
    """Draw a bar for each step of the way, its number and its share of the first at its end; the last one left it."""
    values = [number or 0 for _, number in steps]
    colours = [*FUNNEL[: len(steps) - 1], SERIES[2]]
    bars = axes.barh(range(len(steps)), values, 0.62, color=colours)
    first = values[0] if values else 0
    said = [
        "not tracked"
        if number is None
        else f"{number:,}" + (f" ({number / first:.0%})" if first and at else "")
        for at, (_, number) in enumerate(steps)
    ]
    axes.bar_label(bars, said, padding=3, color=INK, fontsize=TEXT_POINTS)
    axes.set_xlim(0, max([*values, 1]) * 1.42)  # room for the words
    axes.invert_yaxis()
    _bare(axes, title, TITLE_GAP_POINTS)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_yticks(range(len(steps)), [name.capitalize() for name, _ in steps], parse_math=False)


def _columns(axes: Axes, title: str, places: Sequence[str], values: Sequence[int]) -> None:
    """Draw one bar for each place."""
    axes.bar(range(len(values)), values, 0.62, color=SERIES[3])
    _style(axes, title, places, TITLE_GAP_POINTS)
    axes.get_xticklabels()[-1].set(fontweight="bold", color=INK)
    _axis_of_counts(axes, max(values, default=0))
    if not any(values):
        _say(axes, "no answer in these weeks")


def _style(axes: Axes, title: str, places: Sequence[str], gap: float = LEGEND_POINTS) -> None:
    _bare(axes, title, gap)
    axes.set_xticks(range(len(places)), list(_stacked(places)), parse_math=False)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _stacked(places: Sequence[str]) -> Iterator[str]:
    """Give each on two lines, such as a day above its month, the second only where it is another one than before."""
    before = ""
    for place in places:
        first, _, second = place.partition(" ")
        yield first if second == before else f"{first}\n{second}"
        before = second


def _bare(axes: Axes, title: str, gap: float = LEGEND_POINTS) -> None:
    """Leave nothing but a base line."""
    axes.set_title(
        title, loc="left", fontsize=TITLE_POINTS, fontweight="bold", color=INK, pad=gap, parse_math=False
    )
    axes.set_facecolor(PAPER)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(FAINT)
    axes.tick_params(length=0, labelsize=TEXT_POINTS, labelcolor=FAINT, pad=4)


def _say(axes: Axes, text: str) -> None:
    """Say that there is nothing to draw, where it would stand."""
    axes.text(0.5, 0.55, text, transform=axes.transAxes, ha="center", color=FAINT, fontsize=TEXT_POINTS)


def _axis_of_counts(axes: Axes, largest: int) -> None:
    """Count in whole numbers, of large ones in thousands."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.set_ylim(0, max(largest, 4) * 1.04)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=3))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value)))


def short(number: float) -> str:
    """Give a number for an axis: 950, 1.5k, 20k, 3M."""
    for size, sign in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{sign}"
    return f"{number:g}"

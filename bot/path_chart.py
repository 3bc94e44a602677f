"""The picture of one lead's path: the days from left to right, a row for each step, with its date beside its dot. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from core.answers import PathChart, PathDot, day_and_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "What comes when"
LEGEND = "shaded: nothing leaves, red for a holiday"
SENT, COMES, WAY, ELSE, HELD = "#9a9aa3", "#0072b2", "#00785a", "#b34a00", "#f0c460"
INK, FAINT, PAPER, GRID, SHADE, HOLIDAY = "#1d1c1d", "#55555f", "#ffffff", "#e6e6ec", "#f0f0f4", "#fbe3d6"
DOTS = 9  # steps in the picture, those that come first; and of those that have left the last
DONE = 3
HEAD_PIXELS, ROW_PIXELS, LEAST_PIXELS, MOST_PIXELS = 250, 104, 620, 1440
SUBJECT_CHARS = 34
TICKS = 8
NAME_POINTS, DATE_POINTS = 10.4, 9.2
DAY_SECONDS = 86_400


@dataclass(frozen=True)
class Row:
    """One row: a step, or a way out of a condition, which starts where the condition stands."""

    dot: PathDot
    says: str
    detail: str
    branch: int | None = None  # of a condition: 0 if it comes true, 1 else


def height(chart: PathChart) -> int:
    """Give how many pixels it is high."""
    rows = len(list(_rows(chart))) + bool(chart.held)
    return min(max(HEAD_PIXELS + rows * ROW_PIXELS, LEAST_PIXELS), MOST_PIXELS)


def draw(axes: Axes, chart: PathChart) -> None:
    """Draw it."""
    rows = list(_rows(chart))
    final = max([chart.now, *(row.dot.until or row.dot.at for row in rows)])
    oldest = chart.now - max(
        (final - chart.now) / 3, timedelta(days=2)
    )  # what left before stands at the edge
    first = max(oldest, min([chart.now, *(row.dot.at for row in rows)]))
    origin = datetime.combine(first.date(), time.min)
    now = _at(chart.now, origin)
    ends = [now + 1, *(_at(row.dot.until or row.dot.at, origin) for row in rows)]
    if chart.held_until:
        ends.append(_at(chart.held_until, origin))
    last = max(ends)
    margin = 0.04 * last
    axes.set_xlim(-margin, last + margin)
    axes.set_ylim(len(rows) - 0.4, -0.85 - bool(chart.held))
    _days(axes, chart, origin, last)
    axes.axvline(now, color=INK, linewidth=1, linestyle=(0, (3, 3)), zorder=1)
    if chart.held:
        _hold(axes, chart, now, origin, last)
    for number, row in enumerate(rows):
        _row(axes, number, row, origin, last)
    _say_now(axes, now, last)
    axes.set_title(LEGEND, loc="right", fontsize=DATE_POINTS, color=FAINT, pad=7)


def _rows(chart: PathChart) -> Iterator[Row]:
    done = [dot for dot in chart.dots if dot.was][-DONE:]
    comes = [dot for dot in chart.dots if not dot.was]
    for dot in [*done, *comes[: DOTS - len(done)]]:
        name = dot.title if len(dot.title) <= SUBJECT_CHARS else f"{dot.title[: SUBJECT_CHARS - 1].rstrip()}…"
        yield Row(dot, f"{dot.number}. {name}", dot.when)
        for number, way in enumerate(dot.branches):
            until = f"{'by' if number == 0 else 'on'} {day_and_time(dot.until)}" if dot.until else ""
            yield Row(dot, f"{('if so', 'else')[number]}: {way}", until, number)
    if (left := len(comes) - (DOTS - len(done))) > 0:
        last = max(dot.until or dot.at for dot in comes)
        yield Row(comes[-1], f"and {left} more", f"until {day_and_time(last)}")


def _at(moment: datetime, origin: datetime) -> float:
    """Give where a moment stands, in days; the clock on the wall counts, so that every day is as wide."""
    return (moment.replace(tzinfo=None) - origin).total_seconds() / DAY_SECONDS


def _days(axes: Axes, chart: PathChart, origin: datetime, last: float) -> None:
    """Shade the days on which nothing leaves, and name some days below."""
    for day, why in chart.closed:
        begins = _at(datetime.combine(day, time.min), origin)
        if -1 < begins <= last + 1:
            axes.axvspan(begins, begins + 1, color=HOLIDAY if why else SHADE, linewidth=0, zorder=0)
    step = max(1, -(-int(last + 1) // TICKS))
    if step > 3:
        step = -(-step // 7) * 7  # whole weeks keep their weekday
    places = list(range(0, int(last) + 1, step))
    days = [origin + timedelta(days=place) for place in places]
    axes.set_xticks(places, [f"{day:%a}\n{day.day} {day:%b}" for day in days], parse_math=False, ha="left")
    axes.set_yticks([])
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)


def _hold(axes: Axes, chart: PathChart, now: float, origin: datetime, last: float) -> None:
    ends = _at(chart.held_until, origin) if chart.held_until else last
    axes.barh(-0.95, ends - now, 0.42, left=now, color=HELD, alpha=1 if chart.held_until else 0.45, zorder=2)
    is_left = now > last / 2
    axes.annotate(
        chart.held, (ends if is_left else now, -0.95), (-6 if is_left else 6, 0), textcoords="offset points", va="center",
        ha="right" if is_left else "left", fontsize=DATE_POINTS, color=INK, zorder=4, parse_math=False,
    )  # fmt: skip


def _row(axes: Axes, number: int, row: Row, origin: datetime, last: float) -> None:
    at = max(_at(row.dot.at, origin), 0)
    end = _at(row.dot.until, origin) if row.dot.until and row.branch is not None else at
    if row.branch is None:
        marker = "D" if row.dot.branches else "o"
        colour = SENT if row.dot.was else WAY if row.dot.only_if else COMES
        fill = PAPER if row.dot.only_if else colour  # hollow: it may never come
        axes.plot([at], [number], marker, markersize=9, color=colour, markerfacecolor=fill, zorder=3)
    else:
        colour = (WAY, ELSE)[row.branch]
        axes.plot([at, end], [number, number], color=colour, linewidth=2.2, zorder=3, solid_capstyle="round")
        axes.plot([at, at], [number - 1 - row.branch, number], color=GRID, linewidth=1.4, zorder=2)
        axes.plot([end], [number], ">" if row.branch else "s", markersize=7, color=colour, zorder=3)
    from matplotlib.patheffects import withStroke

    halo = withStroke(linewidth=3, foreground=PAPER)  # words cross lines and shades
    is_left = at > last * 0.5
    side, place = ("right", (at, number)) if is_left else ("left", (end, number))
    colour = FAINT if row.dot.was else INK if row.branch is None else (WAY, ELSE)[row.branch]
    for text, size, rise, tint, weight in (
        (row.says, NAME_POINTS, 6.2, colour, "bold"),
        (row.detail, DATE_POINTS, -6.6, FAINT, "normal"),
    ):
        axes.annotate(
            text, place, (-10 if is_left else 10, rise), textcoords="offset points", ha=side, va="center", fontsize=size,
            color=tint, fontweight=weight, zorder=4, parse_math=False, path_effects=[halo],
        )  # fmt: skip


def _say_now(axes: Axes, now: float, last: float) -> None:
    is_left = now > last / 2
    axes.annotate(
        "now", (now, 1), (-4 if is_left else 4, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
        ha="right" if is_left else "left", va="top", fontsize=DATE_POINTS, color=INK,
    )  # fmt: skip

"""The picture of a Qini curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecops_lib.core.canvas import Chart, canvas, chart_of, label_values, nice_ticks, room_for
from ecops_lib.core.formats import show, show_short
from ecops_lib.core.language import tr
from ecops_lib.core.svg import COLOURS, LARGE, Put, Size

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def qini_chart(curve: pd.DataFrame, *, caption: str, customers: int) -> Chart:
    """The curve of a ranking and the straight line of contact at random.

    Args:
        curve: ``share``, ``gain`` and ``random``, as of ``Qini``.
        caption: The chart's title in the reader's language.
        customers: Customers that the gains are shown for.
    """
    best = curve.iloc[int(curve["gain"].to_numpy().argmax())]
    values = {
        "share": show(best["share"], "share"),
        "gain": show(customers * best["gain"], "number"),
        "random": show(customers * best["random"], "number"),
        "all": show(customers * curve["gain"].iloc[-1], "number"),
        "per": show(customers, "count"),
    }
    words = tr(
        "Of {per} customers, the best {share} add {gain} where chance would add {random}; all "
        "together add {all}.",
        **values,
    )

    def draw(size: Size, put: Put) -> Figure:
        return _draw(curve, customers, size, put)

    return chart_of(draw, alt=f"{caption}. {words}", caption=caption)


def _draw(curve: pd.DataFrame, customers: int, size: Size, put: Put) -> Figure:
    share, gain, random = (curve[name].to_numpy(float) for name in ("share", "gain", "random"))
    gain, random = customers * gain, customers * random
    ticks = nice_ticks(min(gain.min(), random.min(), 0.0), max(gain.max(), random.max(), 0.0))
    height = 220 if size is LARGE else 200
    figure, ax = canvas(size, height, left=room_for(ticks, "number", size), top=12)
    ax.plot(share, random, color=COLOURS["soft"], linewidth=1.4, linestyle=(0, (3, 3)))
    ax.plot(share, gain, color=COLOURS["1"], linewidth=2.2)
    label_values(ax, ticks, "number", put)
    ax.set_xlim(0, 1)
    places = [0.0, 0.25, 0.5, 0.75, 1.0]
    ax.set_xticks(places, [put(show_short(place, "share")) for place in places])
    return figure

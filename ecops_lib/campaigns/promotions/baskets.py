"""Baskets of any table priced by a design: what each line pays, and who bears what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from ecops_lib.campaigns.promotions.allocation import Flags, Ints, add_up
from ecops_lib.campaigns.promotions.engine import (
    MOST_CENTS,
    BasketLines,
    PricedLines,
    price_lines,
)
from ecops_lib.campaigns.promotions.rules import BEARERS, Promotion
from ecops_lib.core.errors import ColumnError
from ecops_lib.core.findings import Finding
from ecops_lib.core.formats import Unit, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data import frames

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ecops_lib.core.charts import Chart

NEEDED = ("basket_id", "product_id", "sku_id", "quantity")
FLAGS = {"is_presale": True, "balance_paid": True, "is_group": True}
"""Columns of yes and no, and what holds where a table has not got them."""


def price_baskets(lines: object, *, promotions: Sequence[Promotion]) -> PricedBaskets:
    """Price baskets by promotions, exactly to the cent.

    Thresholds and rates go by the base price × quantity, amounts are subtracted and shared
    over the lines that a promotion is about by base price × quantity; no line pays less than 0
    and the excess is lost (``engine`` states the order).

    Args:
        lines: One row a line, of any engine: ``basket_id``, ``product_id``, ``sku_id``,
            ``quantity`` and ``unit_price`` (base price) or ``base_amount`` (base price ×
            quantity), both in store currency and whole cents; optionally ``unit_cost``,
            ``creator_id`` (null for none), ``is_presale`` and ``balance_paid`` (taken as true),
            ``is_group`` (whether it was bought in a group, taken as true).
        promotions: The design.

    Raises:
        ColumnError: A column is missing or holds what cannot be priced.
        ParameterError: The promotions cannot be priced together.

    >>> import pandas as pd
    >>> from ecops_lib.campaigns.promotions.rules import Threshold
    >>> lines = pd.DataFrame({"basket_id": [1, 1], "product_id": ["a", "b"], "sku_id": ["", ""],
    ...                       "quantity": [1, 1], "unit_price": [150.0, 50.0]})
    >>> offer = Threshold(name="200-20", tiers=((200, 20),))
    >>> price_baskets(lines, promotions=[offer]).lines["paid"].tolist()
    [135.0, 45.0]
    """
    table = frames.lazy(lines, name="lines", needed=NEEDED)
    frame = frames.bring(table)
    held, order = make_lines(frame)
    priced = price_lines(held, promotions)
    return PricedBaskets(priced=priced, lines=_lines_frame(frame, priced, order))


def make_lines(frame: pd.DataFrame) -> tuple[BasketLines, Ints]:
    """Lines as arrays, in an order of their own, and the row of each in the table.

    Raises:
        ColumnError: A column is missing or holds what cannot be priced.
    """
    import pandas as pd

    if frame.empty:
        raise ColumnError("lines has no row; give at least one line.")
    base, quantity = _base(frame)
    codes = {name: pd.factorize(frame[name].astype(object), sort=False) for name in NEEDED[:3]}
    if (codes["basket_id"][0] < 0).any():
        raise ColumnError("column 'basket_id' of lines has empty cells; name each line's basket.")
    creators = frame.get("creator_id", pd.Series(None, index=frame.index, dtype=object))
    codes["creator_id"] = pd.factorize(creators.astype(object))
    flags = {name: _flag(frame, name, told) for name, told in FLAGS.items()}
    flags["balance_paid"] |= ~flags["is_presale"]
    ranks = {name: _ranked(*held) for name, held in codes.items() if name != "basket_id"}
    cost = _numbers(frame, "unit_cost") if "unit_cost" in frame else np.zeros(len(frame))
    order = np.lexsort(
        (cost, *flags.values(), ranks["creator_id"], quantity, base, ranks["sku_id"],
         ranks["product_id"], codes["basket_id"][0])
    )  # fmt: skip
    product, names = codes["product_id"]
    made = BasketLines(
        basket=codes["basket_id"][0][order].astype(np.int64),
        base=base[order],
        quantity=quantity[order],
        product=np.where(product < 0, len(names), product)[order].astype(np.int64),
        products=np.array([*names, None], object),
        creator=codes["creator_id"][0][order].astype(np.int64),
        creators=np.asarray(codes["creator_id"][1], object),
        presale=flags["is_presale"][order],
        balance_paid=flags["balance_paid"][order],
        grouped=flags["is_group"][order],
    )
    if add_up(made.base, made.starts).max() > MOST_CENTS:
        raise ColumnError(
            f"a basket of lines comes to more than {show(MOST_CENTS / 100, 'number')}; "
            "look whether amounts are in cents."
        )
    return made, order


def _ranked(codes: Ints, names: Iterable[object]) -> Ints:
    """Codes in the order of the names as text, so that rows in any order give one result."""
    texts = np.array([str(name) for name in names], str)
    rank = np.empty(len(texts) + 1, np.int64)
    rank[np.argsort(texts, kind="stable")] = np.arange(len(texts))
    rank[-1] = -1
    return rank[codes]


def _base(frame: pd.DataFrame) -> tuple[Ints, Ints]:
    """Base price × quantity [cents] and quantity, once both are possible."""
    told = _numbers(frame, "quantity")
    if not ((told >= 1) & (told == np.floor(told))).all():
        raise ColumnError("column 'quantity' of lines must hold whole numbers from 1.")
    quantity = told.astype(np.int64)
    name = "base_amount" if "base_amount" in frame else "unit_price"
    if name not in frame:
        raise ColumnError("lines has neither 'unit_price' nor 'base_amount'; give one of them.")
    exact = _numbers(frame, name) * 100
    if not ((exact >= 0) & (exact <= MOST_CENTS)).all():
        raise ColumnError(f"column {name!r} of lines must hold amounts from 0, none missing.")
    cents = np.rint(exact).astype(np.int64)
    if (off := np.abs(exact - cents) > 1e-4).any():
        odd = float(exact[off][0]) / 100
        raise ColumnError(
            f"column {name!r} of lines holds {odd!r}, no whole number of cents; give "
            "'base_amount', the line's amount, instead."
        )
    return cents if name == "base_amount" else cents * quantity, quantity


def _numbers(frame: pd.DataFrame, name: str) -> np.ndarray:
    import pandas as pd

    return pd.to_numeric(frame[name], errors="coerce").to_numpy(float, na_value=np.nan)


def _flag(frame: pd.DataFrame, name: str, otherwise: bool) -> Flags:
    """A column of yes and no; empty cells are no."""
    if name not in frame:
        return np.full(len(frame), otherwise)
    held: Flags = frame[name].astype("boolean").fillna(value=False).to_numpy(bool)
    return held


def _lines_frame(frame: pd.DataFrame, priced: PricedLines, order: Ints) -> pd.DataFrame:
    """The table's rows, in their order, with what each pays."""
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    sums = {
        f"{what}_{who}": values
        for what, amounts in (("discount", priced.off), ("gift", priced.gift))
        for who, values in zip(BEARERS, priced.borne(amounts).sum(axis=0).T, strict=True)
    }
    told = {
        "base_amount": priced.lines.base,
        **sums,
        "payable": priced.payable,
        "deposit": priced.deposit,
        "balance": priced.payable - priced.deposit,
        "forfeited": priced.forfeited,
        "paid": priced.paid,
    }
    held = frame[list(NEEDED)].copy()
    for name, values in told.items():
        held[name] = values[back] / 100
    if "unit_cost" in frame:
        sold = priced.lines.balance_paid[back]
        cost = np.where(sold, _numbers(frame, "unit_cost") * held["quantity"].to_numpy(float), 0)
        others = held["discount_platform"] + held["discount_creator"]
        held["margin"] = held["paid"] + others - held["gift_merchant"] - cost
    return held


@dataclass(frozen=True, kw_only=True, eq=False)
class PricedBaskets(Result):
    """Baskets under a design.

    Attributes:
        lines: The rows given, in their order [store currency]: ``base_amount``,
            ``discount_…`` and ``gift_…`` by bearer, ``payable`` (price after discounts),
            ``deposit``, ``balance``, ``forfeited``, ``paid``, and, where ``unit_cost`` is given,
            ``margin``: paid and what platform and creator bear, less the merchant's gifts and
            goods.
        priced: The same by promotion, in cents, in the engine's order of lines.
    """

    sheet: ClassVar[str] = mark("Promotions on these baskets")
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Promotion"),
        "baskets": mark("Baskets it reached"),
        "discount": mark("Discount"),
        "platform": mark("Platform bears"),
        "merchant": mark("Shop bears"),
        "creator": mark("Creator bears"),
        "gifts": mark("Cost of gifts"),
    }
    units: ClassVar[Mapping[str, Unit]] = {
        "baskets": "count",
        **dict.fromkeys(("discount", "platform", "merchant", "creator", "gifts"), "money"),
    }

    lines: pd.DataFrame
    priced: PricedLines

    def to_frame(self) -> pd.DataFrame:
        """One row a promotion; bearers bear discounts and gifts."""
        import pandas as pd

        priced, starts = self.priced, self.priced.lines.starts
        both = priced.off + priced.gift
        borne = priced.borne(both).sum(axis=1) / 100
        rows = [
            {
                "name": promotion.name,
                "baskets": int((add_up(both[place], starts) > 0).sum()),
                "discount": float(priced.off[place].sum()) / 100,
                **dict(zip(BEARERS, borne[place], strict=True)),
                "gifts": float(priced.gift[place].sum()) / 100,
            }
            for place, promotion in enumerate(priced.promotions)
        ]
        return pd.DataFrame(rows, columns=list(self.labels))

    def findings(self) -> tuple[Finding, ...]:
        """What the design takes off, and where it gives goods away."""
        return (self._cost(), *self._free(), *self._below())

    def _cost(self) -> Finding:
        sold = self.priced.lines.balance_paid
        base = float(self.priced.lines.base[sold].sum()) / 100
        off = float(self.priced.off.sum()) / 100
        shop = float(self.lines["discount_merchant"].sum())
        text = tr(
            "Of {base} at base prices {off} comes off ({share}); the shop bears {shop} of that.",
            base=show(base, "money"),
            off=show(off, "money"),
            share=show(off / base if base else float("nan"), "share"),
            shop=show(shop, "money"),
        )
        evidence = {"base": base, "off": off, "merchant": shop}
        return Finding(key="promotions/cost", level="info", text=text, evidence=evidence)

    def _free(self) -> tuple[Finding, ...]:
        starts = self.priced.lines.starts
        sold = add_up(np.where(self.priced.lines.balance_paid, self.priced.lines.base, 0), starts)
        free = int(((add_up(self.priced.payable, starts) == 0) & (sold > 0)).sum())
        if not free:
            return ()
        text = ntr(
            "{count} basket pays nothing for its goods.",
            "{count} baskets pay nothing for their goods.",
            free,
            count=show(free, "count"),
        )
        return (Finding(key="promotions/free", level="bad", text=text, evidence={"baskets": free}),)

    def _below(self) -> tuple[Finding, ...]:
        if "margin" not in self.lines:
            return ()
        short = self.lines.loc[self.lines["margin"] < 0, "margin"]
        if short.empty:
            return ()
        loss = float(-short.sum())
        text = ntr(
            "{count} line is sold below the cost of its goods, by {loss}.",
            "{count} lines are sold below the cost of their goods, by {loss} in all.",
            len(short),
            count=show(len(short), "count"),
            loss=show(loss, "money"),
        )
        evidence = {"lines": float(len(short)), "loss": loss}
        return (
            Finding(
                key="promotions/below", level="watch", text=text, evidence=evidence, money=loss
            ),
        )

    def chart(self) -> Chart | None:
        """Discounts and gifts by promotion."""
        from ecops_lib.core.charts import bar_chart

        held = self.to_frame()
        held["value"] = held["discount"] + held["gifts"]
        held = held[held["value"] > 0].sort_values("value", ascending=False)
        if held.empty:
            return None
        caption = tr("What each promotion takes off or gives")
        return bar_chart(held, caption=caption, unit="money")

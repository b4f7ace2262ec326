"""Real shops: figures to the penny, and every day against a slow reading of the raw files."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from ecops_lib import open_store
from ecops_lib.data.imports import import_files
from ecops_lib.data.store import Store
from ecops_lib.metrics import measure

pytestmark = pytest.mark.realdata


@pytest.mark.parametrize("basis", [None, "pay"])
def test_tmall_figures_to_the_penny(shared: Path, tmp_path: Path, basis: str | None) -> None:
    """The figures of the data's own README; the last orders were paid on 1 March."""
    import_files([shared / "tmall_order_report" / "tmall_order_report.csv"], store=tmp_path / "s")
    held = measure(
        open_store(tmp_path / "s"),
        ["ordered_amount", "paid_amount", "net_paid_amount", "refund_amount", "paid_orders"],
        start="2020-02-01",
        end="2020-03-31",
        refund_basis=basis,  # type: ignore[arg-type]
    )
    assert held.bases.refund_basis == "pay"
    assert held.value("ordered_amount") == 2_995_760.61
    assert held.value("paid_amount") == 2_474_823.07
    assert held.value("net_paid_amount") == pytest.approx(1_902_487.15, abs=1e-6)
    assert held.value("refund_amount") == 572_335.92
    assert (held.value("paid_orders"), len(held.notes)) == (24_087.0, 2)


def test_orders_paid_after_the_period_are_said(shared: Path, tmp_path: Path) -> None:
    """The raw rows placed up to 29 February and paid in March."""
    file = shared / "tmall_order_report" / "tmall_order_report.csv"
    import_files([file], store=tmp_path / "s")
    raw = pd.read_csv(file).rename(columns=str.strip)
    placed, paid = (raw[name].str.strip() for name in ("订单创建时间", "订单付款时间"))
    late = raw.loc[(placed < "2020-03-01") & (paid >= "2020-03-01")]
    amount = late[["买家实际支付金额", "退款金额"]].sum().sum()  # what is left and what went back
    assert (len(late), amount) == (6, 476.0)
    store = open_store(tmp_path / "s")
    span = {"start": "2020-02-01", "end": "2020-02-29"}
    held = measure(store, ["paid_amount"], **span)
    assert held.value("paid_amount") == pytest.approx(2_474_823.07 - amount, abs=1e-6)
    assert held.findings()[0].text == (
        "6 orders placed in these days were paid after them (¥476.00, up to 2020-03-01); "
        "they count on the day they were paid."
    )
    by_day = measure(store, ["paid_amount"], by=("day",), **span)
    for other in (measure(store, ["ordered_amount", "paid_orders"], **span), by_day):
        assert "paid_later" not in {note.kind for note in other.notes}


def test_online_retail_by_day_meets_the_raw_files(
    shared: Path, online_retail: tuple[object, Store]
) -> None:
    """Sales by day, line by line: the second sheet's side of the overlap, exact decimals."""
    files = sorted((shared / "online_retail_ii").glob("*.parquet"))
    held = measure(
        online_retail[1],
        ["ordered_amount"],
        start="2009-12-01",
        end="2011-12-09",
        by=("day",),
    ).to_frame()
    amounts = _raw_days([pd.read_parquet(file) for file in files])
    assert len(held) == 739
    for row in held.to_dict("records"):
        day = row["day"].date()
        assert row["ordered_amount"] == float(amounts.get(day, Decimal(0))), day


def _raw_days(sheets: list[pd.DataFrame]) -> dict[dt.date, Decimal]:
    amounts: dict[dt.date, Decimal] = {}
    seen = set(sheets[1]["Invoice"])
    for place, sheet in enumerate(sheets):
        columns = (sheet[name] for name in ("Invoice", "InvoiceDate", "Quantity", "Price"))
        for invoice, moment, quantity, price in zip(*columns, strict=True):
            overlap = place == 0 and invoice in seen
            if overlap or quantity <= 0:  # A… adjusts bad debt; C496350 is a charge, no refund
                continue
            day = moment.date()
            line = (Decimal(str(price)) * quantity).quantize(Decimal("0.0001"))
            amounts[day] = amounts.get(day, Decimal(0)) + line
    return amounts

"""What to improve: products and aspects by the money at stake, in a file that is followed up.

``iterations.toml`` in the store's folder holds one table an item:

    [[iterations]]
    key = "681204117306/smell"       # product and aspect
    status = "doing"                 # open, doing, done or dropped: yours to set
    owner = "purchasing"             # yours to set
    done_on = 2026-10-01             # with "done": the first day with the better goods
    note = ""                        # yours

Whenever ecops writes, the status, the owner, the day, the note and keys of your own stay as they
are, and the file as it was is put into ``iterations.history``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from ecops_lib.core.charts import bar_chart
from ecops_lib.core.checks import require_between, require_choice
from ecops_lib.core.errors import StoreError
from ecops_lib.core.findings import Action, Finding
from ecops_lib.core.formats import Unit, is_missing, show
from ecops_lib.core.language import mark, ntr, tr
from ecops_lib.core.results import Result
from ecops_lib.data.entries import Entries, read_entries, write_entries
from ecops_lib.market.reviews.changes import FEW, HITS, difference_interval
from ecops_lib.market.reviews.complaints import STARS, owner_of, watch_complaints
from ecops_lib.market.reviews.lexicon import aspect_name
from ecops_lib.market.reviews.reading import Reviews, read_reviews
from ecops_lib.market.reviews.stakes import PAIR, sales_since, weigh_blame, weigh_refunds
from ecops_lib.metrics.bases import Source

if TYPE_CHECKING:
    import pandas as pd

    from ecops_lib.core.charts import Chart

FILE, HEADING = "iterations.toml", "iterations"
Status = Literal["new", "open", "doing", "done", "dropped"]
STATUS_WORDS: Mapping[str, str] = {
    "new": mark("new"), "open": mark("to be begun"), "doing": mark("being done"),
    "done": mark("done"), "dropped": mark("dropped"),
}  # fmt: skip
LEVEL = 0.05
DAYS = 180
ROWS = 12
TOLD = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class IterationList(Result):
    """Products × aspects to improve, the costliest first.

    Attributes:
        frame: One row an item: ``key``, ``product_id``, ``name``, ``aspect``, ``complaints``
            and ``share`` of its reviews of the last ``days``, ``others`` (share of the other
            products' reviews), ``stars_lost``, ``sales``, ``money`` with its 95 % interval
            ``money_low`` to ``money_high`` (refunds beyond other products'; NaN where it
            cannot be told), ``grows``, ``status``, ``owner``, ``since`` (first day on the
            list), ``done_on``, ``was`` and ``after`` (share before and from that day) and
            ``effect``: ``better``, ``worse``, ``open`` or nothing.
        days: Days that count.
        as_of: Last of them.
    """

    sheet: ClassVar[str] = mark("What to improve")
    units: ClassVar[Mapping[str, Unit]] = {
        "complaints": "count", "share": "share", "others": "share", "stars_lost": "ratio",
        "sales": "money", "money": "money", "money_low": "money", "money_high": "money",
        "since": "day", "done_on": "day", "was": "share", "after": "share",
    }  # fmt: skip
    labels: ClassVar[Mapping[str, str]] = {
        "name": mark("Product"),
        "about": mark("Aspect"),
        "complaints": mark("Complaints"),
        "share": mark("Of its reviews"),
        "others": mark("Of others'"),
        "money": mark("Excess refunds"),
        "money_low": mark("95%, low"),
        "money_high": mark("95%, high"),
        "stars_lost": mark("Stars lost"),
        "sales": mark("Sales"),
        "status_word": mark("Status"),
        "owner": mark("Owner"),
        "since": mark("On the list since"),
        "done_on": mark("Done on"),
        "was": mark("Complaints before"),
        "after": mark("Complaints after"),
    }

    frame: pd.DataFrame
    days: int
    as_of: dt.date

    def to_frame(self) -> pd.DataFrame:
        """One row an item, the costliest first."""
        rows = self.frame.assign(
            about=[aspect_name(aspect) for aspect in self.frame["aspect"]],
            status_word=[tr(STATUS_WORDS[status]) for status in self.frame["status"]],
        )
        return rows[[*self.labels]]

    def page_frame(self) -> pd.DataFrame:
        """The costliest, with what matters for deciding."""
        columns = ["name", "about", "complaints", "share", "others", "money", "stars_lost",
                   "status_word", "owner"]  # fmt: skip
        return self.to_frame().head(ROWS)[columns]

    def chart(self) -> Chart | None:
        """Excess refunds of the items."""
        rows = self.frame[self.frame["money"] > 0].head(ROWS)
        if rows.empty:
            return None
        named = rows.assign(label=[_called(row) for row in rows.to_dict("records")])
        return bar_chart(named, caption=tr("Refunds beyond those of other products"),
                         unit="money", name="label", value="money")  # fmt: skip

    def findings(self) -> tuple[Finding, ...]:
        """What costs most, and what became of that which was done."""
        rows = self.frame.to_dict("records")
        ahead = [row for row in rows if row["status"] not in {"done", "dropped"}]
        told = [row for row in ahead if not is_missing(row["share"])]
        done = [row for row in rows if row["effect"]]
        found = [self._cost(row) for row in told[:TOLD]] + [self._effect(row) for row in done[:2]]
        if not ahead:
            text = tr(
                "In the last {days} no product is blamed for anything beyond the others, and "
                "nothing is left on the list.", days=show(self.days, "days"),
            )  # fmt: skip
            found.append(Finding(key="iterations/none", level="good", text=text))
        waiting = [row for row in ahead if row["status"] == "open"]
        if waiting:
            oldest = min(row["since"] for row in waiting)
            text = ntr(
                "{count} item of the list waits to be begun, since {day}.",
                "{count} items of the list wait to be begun, the oldest since {day}.",
                len(waiting), count=show(len(waiting), "count"), day=show(oldest, "day"),
            )  # fmt: skip
            found.append(Finding(key="iterations/waiting", level="watch", text=text))
        return tuple(found)

    def _cost(self, row: Mapping[Any, Any]) -> Finding:
        given = {
            "what": _called(row), "share": show(row["share"], "share"),
            "others": show(row["others"], "share"), "days": show(self.days, "days"),
            **{name: show(row[name], "money") for name in ("money", "money_low", "money_high")},
        }  # fmt: skip
        sure = row["money_low"] > 0
        stake = float(row["sales"]) * (float(row["share"]) - float(row["others"]))
        if sure:
            text = tr(
                "{what}: refunds for it beyond those of other products cost {money} in {days} "
                "({money_low} to {money_high}); {share} of the reviews blame it, against {others} "
                "of the others'.", **given,
            )  # fmt: skip
        elif is_missing(row["money"]) and stake > 0:
            text = tr(
                "{what}: {share} of the reviews blame it, against {others} of the others'. No "
                "refund reason names it, so its cost is not known; as large a part of its sales "
                "beyond the others' is {stake} in {days}.", stake=show(stake, "money"), **given,
            )  # fmt: skip
        elif is_missing(row["money"]):
            text = tr(
                "{what}: {share} of the reviews blame it, against {others} of the others'; what it "
                "costs cannot be told, for no refund reason names it.", **given,
            )  # fmt: skip
        else:
            text = tr(
                "{what}: {share} of the reviews blame it, against {others} of the others'; its "
                "refunds do not differ surely from other products' (at most {money_high} in "
                "{days}).",
                **given,
            )  # fmt: skip
        numbers = {name: float(row[name]) for name in ("money", "money_low", "share", "others")}
        return Finding(
            key=f"iterations/{row['key']}", level="bad" if sure else "watch", text=text,
            evidence=numbers,
            money=float(row["money"]) if sure
            else stake if is_missing(row["money"]) and stake > 0 else None,
            action=Action(text=tr("settle the cause, and note the day in iterations.toml"),
                          owner=str(row["owner"])),
        )  # fmt: skip

    def _effect(self, row: Mapping[Any, Any]) -> Finding:
        given = {
            "what": _called(row), "day": show(row["done_on"], "day"),
            "was": show(row["was"], "share"), "after": show(row["after"], "share"),
        }  # fmt: skip
        key = f"iterations/{row['key']}/effect"
        if row["effect"] == "better":
            text = tr("{what}: done on {day}, and complaints fell from {was} to {after} of the "
                      "reviews.", **given)  # fmt: skip
            return Finding(key=key, level="good", text=text)
        if row["effect"] == "worse":
            text = tr("{what}: done on {day}, and yet complaints rose from {was} to {after} of the "
                      "reviews; open it again.", **given)  # fmt: skip
            return Finding(key=key, level="bad", text=text)
        text = tr("{what}: done on {day}; whether it helped cannot be told yet ({was} of the "
                  "reviews before, {after} since).", **given)  # fmt: skip
        return Finding(key=key, level="info", text=text)


def _called(row: Mapping[Any, Any]) -> str:
    return f"{row['name']} · {aspect_name(str(row['aspect']))}"


def list_iterations(
    source: Source | Reviews,
    *,
    as_of: dt.date | str,
    days: int = DAYS,
    time_zone: str | None = None,
) -> IterationList:
    """List what to improve, by the money at stake, with what became of earlier lists.

    A product × aspect is listed where its reviews of the last days blame it more often than
    the others' (q at most 5 %, ``weigh_blame``), where its complaints grow
    (``watch_complaints``), or where the store's ``iterations.toml`` has it. The money is what
    refunds for such reasons cost beyond those of other products (``weigh_refunds``); where no
    reason names the aspect it is not known: sales times the share of reviews that blame it
    beyond the others' are told instead, and sales times stars lost decide the order.

    Args:
        source: A store, tables by canonical name, or reviews already read.
        as_of: Last local day that counts.
        days: Days that count, from 14.
        time_zone: IANA zone of the days; the store's by default.

    Raises:
        MissingDataError: There is no review by that day.
        ParameterError: An argument has an impossible value.
        StoreError: The store's ``iterations.toml`` cannot be read.
    """
    require_between(days, 14, 3660, name="days")
    held = read_reviews(source, as_of=as_of, time_zone=time_zone)
    start = held.as_of - dt.timedelta(days=days - 1)
    store = held.tables.store
    kept = {str(row["key"]): row for row in read_iterations(store.path).rows} if store else {}
    rows = weigh_blame(held, start)
    watched = watch_complaints(held, as_of=held.as_of).frame
    rows = _listed(rows, watched, kept)
    rows = rows.merge(weigh_refunds(held, start).drop(columns="sales"), on=PAIR, how="left")
    rows["sales"] = rows["product_id"].map(sales_since(held, start))
    rows["name"] = [held.called(product) for product in rows["product_id"]]
    rows = _followed(rows, kept, held, days)
    rows["worth"] = (rows["sales"] * rows["stars_lost"]).astype(float)
    order = ["money", "worth", "complaints", "key"]
    rows = rows.sort_values(order, ascending=[False, False, False, True], ignore_index=True)
    return IterationList(frame=rows, days=days, as_of=held.as_of)


def _listed(
    rows: pd.DataFrame, watched: pd.DataFrame, kept: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """What is blamed beyond the others, grows, or was listed before."""
    import pandas as pd

    grows: set[str] = set()
    if "verdict" in watched:
        growing = watched[(watched["verdict"] == "grows") & (watched["aspect"] != STARS)]
        grows = {
            f"{p}/{a}" for p, a in zip(growing["product_id"], growing["aspect"], strict=True) if p
        }
    rows = rows.assign(key=rows["product_id"] + "/" + rows["aspect"])
    sure = (rows["q"] <= LEVEL) & (rows["low"] > 0) & (rows["complaints"] >= HITS)
    blamed = set(rows["key"][sure])
    wanted = sorted(blamed | grows | set(kept))
    parts = [key.rpartition("/") for key in wanted]
    base = pd.DataFrame({"key": wanted, "product_id": [p[0] for p in parts],
                         "aspect": [p[2] for p in parts]}, dtype=object)  # fmt: skip
    merged = base.merge(rows.drop(columns=PAIR), on="key", how="left")
    merged["complaints"] = merged["complaints"].fillna(0.0).astype(int)
    return merged.assign(grows=merged["key"].isin(grows))


def _followed(
    rows: pd.DataFrame, kept: Mapping[str, Mapping[str, Any]], held: Reviews, days: int
) -> pd.DataFrame:
    """Rows with what the file says of them, and what was done with what effect."""
    import pandas as pd

    told = []
    for key, product, aspect in zip(rows["key"], rows["product_id"], rows["aspect"], strict=True):
        entry = kept.get(key, {})
        done = entry.get("done_on") if entry.get("status") == "done" else None
        effect = _effect(held, product, aspect, done, days) if done else (np.nan, np.nan, "")
        told.append((entry.get("status", "new"), entry.get("owner", owner_of(aspect)),
                     entry.get("since", held.as_of), done, *effect))  # fmt: skip
    columns = ["status", "owner", "since", "done_on", "was", "after", "effect"]
    return rows.join(pd.DataFrame(told, columns=columns, index=rows.index))


def _effect(
    held: Reviews, product: str, aspect: str, done: dt.date, days: int
) -> tuple[float, float, str]:
    """Share of complaints in as many days before a day and from it on, and whether they differ."""
    import pandas as pd

    frame, moment = held.frame, pd.Timestamp(done)
    counted = (frame["product_id"] == product) & (frame["text"] != "")
    counted &= frame["day"] >= moment - pd.Timedelta(days=days)
    blamed = held.aspects[(held.aspects["aspect"] == aspect) & (held.aspects["polarity"] < 0)]
    hits = frame.index.isin(blamed["row"])
    late = (frame["day"] >= moment).to_numpy()
    n = [int((counted & side).sum()) for side in (late, ~late)]
    k = [int((counted & hits & side).sum()) for side in (late, ~late)]
    shares = [k[side] / n[side] if n[side] else np.nan for side in (0, 1)]
    if min(n) < FEW:
        return shares[1], shares[0], "open"
    low, high = difference_interval(k[0], n[0], k[1], n[1])
    return shares[1], shares[0], "better" if high < 0 else "worse" if low > 0 else "open"


def read_iterations(folder: Path) -> Entries:
    """The kept list of a store; empty where there is none.

    Args:
        folder: The store's folder.

    Raises:
        StoreError: The file cannot be read, or an item has no key, an unknown status or no day.
    """
    file = folder / FILE
    held = read_entries(file, heading=HEADING)
    for row in held.rows:
        key, status = row.get("key"), row.get("status", "open")
        if not isinstance(key, str) or "/" not in key:
            raise StoreError(f"an item in {file} has the key {key!r}; write it as product/aspect.")
        require_choice(status, [s for s in STATUS_WORDS if s != "new"],
                       name=f"status of {key} in {file}")  # fmt: skip
        for name in ("done_on", "since"):
            if name in row and type(row[name]) is not dt.date:
                raise StoreError(f"{name} of {key} in {file} is {row[name]!r}; write a day such as "
                                 "2026-10-01, without quotes.")  # fmt: skip
    return held


def keep_iterations(folder: Path, iterations: IterationList) -> Entries:
    """Write the list into the store's ``iterations.toml``.

    New items come in as open. Of those that are there the money, the complaints and the day
    are brought up to date; status, owner, ``done_on``, note and keys of your own stay. The
    file is replaced whole or not at all, and not at all where nothing changes.

    Args:
        folder: The store's folder.
        iterations: The list.

    Raises:
        StoreError: The file that is there cannot be read.
    """
    before = read_iterations(folder)
    rows = {str(row["key"]): dict(row) for row in before.rows}
    for row in iterations.frame.to_dict("records"):
        entry = rows.setdefault(row["key"], {
            "key": row["key"], "product": row["name"], "aspect": row["aspect"], "status": "open",
            "owner": row["owner"], "since": iterations.as_of, "note": "",
        })  # fmt: skip
        entry["complaints"] = int(row["complaints"])
        entry["as_of"] = iterations.as_of
        if is_missing(row["money"]):
            entry.pop("money", None)
        else:
            entry["money"] = round(float(row["money"]), 2)
    return write_entries(folder / FILE, list(rows.values()), heading=HEADING, before=before)

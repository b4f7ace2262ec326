"""How much is in a pack: amounts read from titles, Chinese and English, for prices per unit."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

from ecops_lib.core.checks import require_between

LONGEST = 400
"""Characters of a title that are read."""

UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("毫升", "ml"), ("ml", 1.0)),
    **dict.fromkeys(("cl",), ("ml", 10.0)),
    **dict.fromkeys(("dl",), ("ml", 100.0)),
    **dict.fromkeys(("公升", "升", "liter", "litre", "liters", "litres", "l"), ("ml", 1_000.0)),
    **dict.fromkeys(("fl oz", "fl. oz", "fl.oz", "floz"), ("ml", 29.5735)),
    **dict.fromkeys(("毫克", "mg"), ("g", 0.001)),
    **dict.fromkeys(("千克", "公斤", "kg"), ("g", 1_000.0)),
    **dict.fromkeys(("克", "grams", "gram", "gr", "g"), ("g", 1.0)),
    **dict.fromkeys(("市斤", "斤"), ("g", 500.0)),
    **dict.fromkeys(("两",), ("g", 50.0)),
    **dict.fromkeys(("ounces", "ounce", "oz"), ("g", 28.3495)),
    **dict.fromkeys(("pounds", "pound", "lbs", "lb"), ("g", 453.592)),
    **dict.fromkeys(("米", "metres", "meters", "metre", "meter", "m"), ("m", 1.0)),
    **dict.fromkeys(
        ("片", "粒", "颗", "枚", "支", "张", "抽", "只", "个", "条", "卷", "块", "根", "件",
         "pieces", "piece", "pcs", "pc", "count", "ct", "tablets", "capsules", "sheets", "rolls",
         "stk", "st"),
        ("piece", 1.0),
    ),
    **dict.fromkeys(
        ("包", "袋", "盒", "瓶", "罐", "桶", "听", "箱", "提", "bags", "bag", "bottles",
         "bottle", "cans", "can", "packs", "pack", "boxes", "box"),
        ("pack", 1.0),
    ),
}  # fmt: skip
"""Words for units: base unit and how many of it. A pack only multiplies what is in it."""

PER: dict[str, float] = {"ml": 100.0, "g": 100.0, "m": 1.0, "piece": 1.0}
"""Base units that a unit price is told for: per 100 ml, per 100 g, per metre, per piece."""

_TIMES = r"\s*[x×*✕]\s*"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:[.,]\d+)?"
_WORDS = "|".join(re.escape(word) for word in sorted(UNITS, key=len, reverse=True))
_PACKS = "|".join(word for word, (base, _) in UNITS.items() if base in ("pack", "piece"))
_SIZE = re.compile(
    rf"(?<![a-z0-9.,])(?:(?P<before>\d{{1,3}}){_TIMES})?(?P<number>{_NUMBER})\s*(?P<unit>{_WORDS})"
    rf"(?![a-z])(?:\s*/\s*(?:{_PACKS}))?(?:{_TIMES}(?P<after>\d{{1,3}})(?!\d|[.,]\d)"
    rf"\s*(?:{_PACKS})?)?"
)
_GIFT = re.compile(r"(?:送|赠|加赠|free|gift|bonus)[^0-9]{0,4}$")
_NETWORK = re.compile(r"(?<![\d.,])[2-6]G(?![a-zA-Z])")


@dataclass(frozen=True, slots=True)
class Size:
    """What a pack holds.

    Attributes:
        amount: How much of the base unit, all packs together.
        unit: ``ml``, ``g``, ``m`` or ``piece``.
    """

    amount: float
    unit: str

    @property
    def per(self) -> float:
        """How much of the base unit a unit price is told for."""
        return PER[self.unit]


def parse_size(title: object) -> Size | None:
    """The amount that a title names; None where it names none, or several that disagree.

    Volumes and weights count before lengths, and these before pieces; packs multiply; parts
    joined by a plus add up; what is given away is left out. Only the title's first 400 characters
    are read.

    >>> parse_size("洁面乳 100ml*2支"), parse_size("6 x 0,33 l"), parse_size("面膜 50片")
    (Size(amount=200.0, unit='ml'), Size(amount=1980.0, unit='ml'), Size(amount=50.0, unit='piece'))
    >>> parse_size("Serum 30 ml or 50 ml") is None
    True
    """
    if not isinstance(title, str):
        return None
    head = _NETWORK.sub(" ", unicodedata.normalize("NFKC", title[:LONGEST])).lower()
    found: dict[str, list[tuple[float, int, int]]] = {}
    for match in _SIZE.finditer(head):
        base, size = UNITS[match["unit"]]
        if base == "pack" or _GIFT.search(head[: match.start()]):
            continue
        packs = int(match["before"] or 1) * int(match["after"] or 1)
        amount = _number(match["number"]) * size * packs
        if amount > 0:
            found.setdefault(base, []).append((amount, match.start(), match.end()))
    for bases in (("ml", "g"), ("m",), ("piece",)):
        held = [base for base in found if base in bases]
        if held:
            whole = _joined(found[held[0]], head)
            return Size(whole, held[0]) if whole else None
    return None


def _number(text: str) -> float:
    """A number whose comma is a decimal sign unless three digits follow it."""
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", text):
        return float(text.replace(",", ""))
    return float(text.replace(",", "."))


def _joined(parts: list[tuple[float, int, int]], text: str) -> float | None:
    """One amount: a sum of parts joined by a plus, or the same told several times."""
    amounts = [amount for amount, _, _ in parts]
    between = [text[a[2] : b[1]] for a, b in pairwise(parts)]
    if between and all("+" in words for words in between):
        return sum(amounts)
    return amounts[0] if max(amounts) - min(amounts) <= 1e-9 * max(amounts) else None


def unit_price(price: float, size: Size) -> float:
    """Price per 100 ml, 100 g, metre or piece [currency of the price].

    Raises:
        ParameterError: The price is negative or not a number.

    >>> unit_price(30.0, Size(200.0, "ml"))
    15.0
    """
    require_between(price, 0, float("inf"), name="price")
    return price / size.amount * size.per

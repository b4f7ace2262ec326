"""How visitors walk through the shop, and the words that they search for."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class PageBreak:
    """Fewer visitors who land on a page go on to a product, on one kind of device.

    Attributes:
        page: The page.
        device: The device.
        share: Share of the visitors of the page who open a product while it is broken.
        begins: Days before the last day on which it begins.
    """

    page: str = "活动页"
    device: str = "安卓"
    share: float = 0.45
    begins: int = 9


@dataclass(frozen=True, kw_only=True)
class SearchTerm:
    """A term that visitors of the platform's search came by.

    Attributes:
        term: The term.
        product: Rank of the product that they came to.
        share: Share of the product's visitors by search.
        conversion: Conversion relative to the product's other terms.
        kind: ``missing`` (in no title, and sells), ``misleading`` (in a title, and does not
            sell) or empty.
    """

    term: str
    product: int
    share: float
    conversion: float = 1.0
    kind: str = ""


TERMS = (
    SearchTerm(term="红茶 伴手礼", product=0, share=0.16, conversion=1.9, kind="missing"),
    SearchTerm(term="正山小种", product=0, share=0.45, conversion=1.0),
    SearchTerm(term="红茶", product=0, share=0.25, conversion=0.7),
    SearchTerm(term="红茶 罐装", product=0, share=0.14, conversion=0.9),
    SearchTerm(term="快客杯", product=1, share=0.6),
    SearchTerm(term="汝窑 旅行", product=1, share=0.4),
    SearchTerm(term="无火香薰", product=2, share=0.55),
    SearchTerm(term="白茶", product=2, share=0.45, conversion=0.1, kind="misleading"),
    SearchTerm(term="全棉四件套", product=3, share=0.7),
    SearchTerm(term="水洗棉", product=3, share=0.3),
    SearchTerm(term="收纳箱 可折叠", product=4, share=1.0),
    SearchTerm(term="铸铁珐琅锅", product=5, share=1.0),
)


@dataclass(frozen=True, kw_only=True)
class SearchTerms:
    """The terms of the best products; other products are found by the first word of their title.

    Attributes:
        terms: The terms.
    """

    terms: tuple[SearchTerm, ...] = field(default=TERMS)

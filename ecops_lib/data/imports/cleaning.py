"""SQL that turns cells of text into values: ids, numbers, times. The only place of it.

Every function takes an SQL expression of a text cell and gives an SQL expression of the
value, or null where the cell is blank *or cannot be read*: whoever uses it tells the
two apart with ``is_blank``. The common spelling comes first and the rest inside ``CASE``,
which DuckDB evaluates only for the rows that are left (it takes what is common to the
parts of a ``COALESCE`` out and evaluates it for all); words are told
by a regular expression, because DuckDB would make a join of a long ``IN`` and so
evaluate it for every row.
"""

from __future__ import annotations

from typing import Literal

from ecops_lib.data.imports.clock import instant_of

DateOrder = Literal["mdy", "dmy", ""]

SPACES = "' ' || chr(9) || chr(10) || chr(13) || chr(160) || chr(12288) || chr(65279)"
SPACE = r"[\s\x{a0}\x{3000}\x{feff}]"
TRIMMED = r"[ \t\n\r\x{a0}\x{3000}\x{feff}]"
NOTHING = "|-|--|—|null|NULL|None|nan|NaN|N/A|#N/A"
TOTALS = "合计|总计|汇总|小计|Total|TOTAL"
WIDE, NARROW = "'０１２３４５６７８９．，－＋％￥'", "'0123456789.,-+%¥'"
ISO = r"'[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}([ T]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?)?'"
USUAL = "'____-__-__ __:__:__'"
OFFSET = r"'[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}[ T][0-9:.]+ ?(Z|UTC|[+-][0-9]{2}:?([0-9]{2})?)'"
PLAIN_ID = "'[0-9A-Za-z#_][0-9A-Za-z#_-]*'"
WRAPPED_ID = "'=\"[0-9][0-9A-Za-z#_-]*\"'"
OTHER_TIMES: tuple[str, ...] = (
    "%Y.%m.%d",
    "%Y.%m.%d %H:%M:%S",
    "%Y年%m月%d日",
    "%Y年%m月%d日 %H:%M:%S",
)
OTHER_TIMES += ("%Y年%m月%d日 %H:%M", "%Y%m%d", "%Y%m%d %H:%M:%S", "%Y-%m-%d %H时%M分%S秒")
BY_ORDER = {"mdy": "%m/%d/%Y", "dmy": "%d/%m/%Y"}


def bare(cell: str) -> str:
    """The cell without spaces, tabs and marks around it."""
    return f"trim({cell}, {SPACES})"


def is_blank(cell: str) -> str:
    """Whether the cell says nothing: empty, a dash, or a word for null."""
    return f"({cell} IS NULL OR regexp_full_match({cell}, '{SPACE}*({NOTHING}){SPACE}*'))"


def is_total(cell: str, *, words: tuple[str, ...] = ()) -> str:
    """Whether the cell is the mark of a totals row, such as 合计."""
    known = "|".join((TOTALS, *words))
    return f"coalesce(regexp_full_match({cell}, '{SPACE}*({known}){SPACE}*[:：]?{SPACE}*'), FALSE)"


def text(cell: str) -> str:
    """Text without spaces around it; null where empty."""
    starts = " OR ".join(f"prefix({cell}, chr({code}))" for code in (160, 12288, 65279))
    first = f"{cell} < '!' OR ({cell} >= chr(160) AND ({starts}))"
    ragged = f"{first} OR regexp_matches({cell}, '{SPACE}$')"
    return f"CASE WHEN {ragged} THEN nullif({bare(cell)}, '') ELSE {cell} END"


def identifier(cell: str) -> str:
    """An id as the platform prints it, without ``="…"``, a leading ``'``, tabs, or ``.0``."""
    inner = f"regexp_replace({bare(cell)}, '^=\"(.*)\"$', '\\1')"
    inner = f"regexp_replace({bare(inner)}, '^[''`‘’]+', '')"
    inner = f"regexp_replace({bare(inner)}, '^([0-9]+)\\.0+$', '\\1')"
    slow = f"CASE WHEN regexp_full_match({inner}, '{NOTHING}') THEN NULL ELSE {inner} END"
    return (
        f"CASE WHEN regexp_full_match({cell}, {PLAIN_ID}) THEN {cell} "
        f"WHEN regexp_full_match({cell}, {WRAPPED_ID}) THEN substr({cell}, 3, strlen({cell}) - 3) "
        f"ELSE {slow} END"
    )


def lost_digits(value: str) -> str:
    """Whether an id stands in E-notation: its last digits are gone for good."""
    return (
        f"(contains({value}, '+') AND "
        f"regexp_full_match({value}, '[0-9](\\.[0-9]+)?[eE]\\+?[0-9]+'))"
    )


def money(cell: str) -> str:
    """An amount: ``2,133``, ``¥1,741.24``, ``1.16万``, ``12.50元``."""
    plain = f"TRY_CAST({cell} AS DECIMAL(18, 4))"
    return f"CASE WHEN {plain} IS NOT NULL THEN {plain} ELSE {_spelt(cell)} END"


def _spelt(cell: str) -> str:
    """A number written for people; only with correct thousands marks."""
    plain = f"regexp_replace(translate({cell}, {WIDE}, {NARROW}), '[\\s¥$£€元]|CNY|RMB', '', 'g')"
    number = r"[+-]?([0-9]+|[0-9]{1,3}(,[0-9]{3})+)(\.[0-9]+)?"
    digits = f"TRY_CAST(replace(regexp_replace({plain}, '[万亿]$', ''), ',', '') AS DECIMAL(18, 4))"
    size = f"CASE right({plain}, 1) WHEN '万' THEN 10000 WHEN '亿' THEN 100000000 ELSE 1 END"
    product = f"TRY_CAST({digits} * {size} AS DECIMAL(18, 4))"
    return f"CASE WHEN regexp_full_match({plain}, '{number}[万亿]?') THEN {product} END"


def integer(cell: str) -> str:
    """A whole number; null if it is not whole."""
    spelt = _spelt(cell)
    whole = f"CASE WHEN {spelt} = floor({spelt}) THEN CAST({spelt} AS BIGINT) END"
    return (
        f"CASE WHEN regexp_full_match({cell}, '-?[0-9]{{1,18}}') "
        f"THEN CAST({cell} AS BIGINT) ELSE {whole} END"
    )


def number(cell: str) -> str:
    """A floating-point number; never NaN or infinite."""
    plain = f"TRY_CAST({cell} AS DOUBLE)"
    return f"CASE WHEN isfinite({plain}) THEN {plain} ELSE CAST({_spelt(cell)} AS DOUBLE) END"


def share(cell: str, *, percent: bool) -> str:
    """A fraction. ``0.45%`` is 0.0045 anywhere; a bare 0.45 is so only where the source says so.

    Args:
        cell: The cell.
        percent: Whether this source writes bare numbers in per cent.
    """
    unsigned = f"regexp_replace({cell}, '[%％]\\s*$', '')"
    signed = f"CAST({_spelt(unsigned)} AS DOUBLE) / 100"
    plain = f"{number(cell)} / 100" if percent else number(cell)
    marked = f"regexp_matches({cell}, '[%％]')"
    return f"CASE WHEN {marked} THEN {signed} ELSE {plain} END"


def flag(cell: str) -> str:
    """Yes or no."""
    word = f"lower({bare(cell)})"
    return (
        f"CASE WHEN {word} IN ('1', 'true', 'yes', 'y', '是') THEN true "
        f"WHEN {word} IN ('0', 'false', 'no', 'n', '否') THEN false END"
    )


def moment(cell: str, *, order: DateOrder = "") -> str:
    """Wall-clock time (a TIMESTAMP) of a cell without an offset; Excel serials too.

    Args:
        cell: The cell.
        order: What ``3/4/2026`` means in this column; unreadable where empty.
    """
    forms = list(OTHER_TIMES)
    if order:
        forms += [BY_ORDER[order] + clock for clock in ("", " %H:%M", " %H:%M:%S")]
    spelt = f"try_strptime({bare(cell)}, [{', '.join(map(repr, forms))}])"
    return (
        f"CASE WHEN {_is_iso(cell)} THEN TRY_CAST({cell} AS TIMESTAMP) "
        f"WHEN {_is_iso(bare(cell))} THEN TRY_CAST({bare(cell)} AS TIMESTAMP) "
        f"ELSE COALESCE({_serial(cell)}, {spelt}) END"
    )


def _is_iso(cell: str) -> str:
    return f"regexp_full_match({cell}, {ISO})"


def _serial(cell: str) -> str:
    """An Excel serial between 1982 and 2119, rounded to the second."""
    days = f"CAST({bare(cell)} AS DOUBLE)"
    seconds = f"CAST(round({days} * 86400) AS BIGINT)"
    return (
        f"CASE WHEN regexp_full_match({bare(cell)}, '[3-7][0-9]{{4}}(\\.[0-9]+)?') "
        f"THEN TIMESTAMP '1899-12-30' + to_seconds({seconds}) END"
    )


def instant(cell: str, *, zone: str, order: DateOrder = "", wall: str = "") -> str:
    """An instant: the cell's own offset where it has one, else wall-clock time in a zone.

    Args:
        cell: The cell.
        zone: IANA zone of times without an offset.
        order: What ``3/4/2026`` means in this column.
        wall: A column that holds the cell as a TIMESTAMP, where it can be read as one.
    """
    fixed = f"regexp_replace({bare(cell)}, ' ?([+-][0-9]{{2}}):?([0-9]{{2}})$', '\\1:\\2')"
    told = (
        f"CASE WHEN regexp_full_match({bare(cell)}, {OFFSET}) "
        f"THEN TRY_CAST({fixed} AS TIMESTAMPTZ) END"
    )
    usual = f"timezone('{zone}', TRY_CAST({cell} AS TIMESTAMP))"
    return (
        f"CASE WHEN {cell} LIKE {USUAL} THEN {instant_of(wall, zone=zone) if wall else usual} "
        f"ELSE COALESCE(timezone('{zone}', {moment(cell, order=order)}), {told}) END"
    )


def day(cell: str, *, order: DateOrder = "") -> str:
    """A calendar day as the file prints it."""
    return f"CAST({moment(cell, order=order)} AS DATE)"


def choice(cell: str, words: dict[str, str]) -> str:
    """A word mapped to a canonical one; unknown words pass as they are, to be refused by the rules.

    Full-width and half-width commas are the same.
    """
    word = f"replace({bare(cell)}, '，', ',')"
    cases = " ".join(
        f"WHEN '{theirs.replace('，', ',')}' THEN '{ours}'" for theirs, ours in words.items()
    )
    slow = f"CASE WHEN {is_blank(cell)} THEN NULL ELSE CASE {word} {cases} ELSE {word} END END"
    return f"CASE {cell} {cases} ELSE {slow} END"


PROVINCES = (
    ""
    "北京|天津|河北|山西|内蒙古|辽宁|吉林|黑龙江|上海|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|"
    "广西|海南|重庆|四川|贵州|云南|西藏|陕西|甘肃|青海|宁夏|新疆|台湾|香港|澳门"
)


def province(cell: str) -> str:
    """The Chinese province that an address begins with, by its short name; nothing else of it."""
    return f"nullif(regexp_extract({cell}, '^{TRIMMED}*({PROVINCES})', 1), '')"

"""What customers wrote, made fit for counting and for showing."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

from ecops_lib.core.formats import is_missing
from ecops_lib.core.language import tr

LONGEST = 2000
"""Characters of a text that are read; the rest is left out."""

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ud800-\udfff]"
)
_TAG = re.compile(
    r"<(?:(script|style)\b[^>]{0,200}>.{0,2000}?</\1\s*|/?[a-z!][^<>]{0,200})>", re.I | re.S
)
_CJK = "\u3400-\u9fff"
_BREAK = re.compile(
    rf"[,.!?;:\n。！？；：，、…~～|(){{}}\[\]【】《》“”\"]+(?!\d)|(?<=[{_CJK}])\s+|\s+(?=[{_CJK}])"
    r"|\s+-+\s+|但是|但(?!愿)|不过|可是|然而|虽然|只是|(?<!\w)(?:but|however|although|though|except)(?!\w)"
)


def clean_text(text: object) -> str:
    r"""A text on one line: no tags, no marks that turn the direction, no control characters.

    Full-width letters and digits become plain ones (NFKC). A missing text is empty.

    Args:
        text: As the data have it.

    >>> clean_text("１００分！<b>好</b>\u202e\x00 &amp; fast\n")
    '100分!好 & fast'
    """
    if is_missing(text):
        return ""
    head = _UNSEEN.sub("", str(text)[: 4 * LONGEST])
    plain = _TAG.sub("", unescape(head))
    known = unicodedata.normalize("NFKC", _UNSEEN.sub("", plain)[:LONGEST]).replace("’", "'")
    return " ".join(known.split())[:LONGEST]


def split_clauses(text: str) -> list[str]:
    """The clauses of a cleaned text, in lower case, in order.

    >>> split_clauses("物流很快，但是包装破了! Nice, but 1.5 cm short")
    ['物流很快', '包装破了', 'nice', '1.5 cm short']
    """
    parts = (part.strip() for part in _BREAK.split(text.lower()) if part)
    return [part for part in parts if part]


_NUMERALS = "0-9〇零一二三四五六七八九幺"
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_NAME = "[\u4e00-\u9fff]{1,3}"
_MASKS: tuple[tuple[str, str], ...] = (
    ("link", r"(?:https?://|www\.)[^\s\u3400-\u9fff]+"),
    ("mail", r"[\w.+-]+\s?(?:@|\(at\)|\[at\])\s?[\w-]+(?:\.[\w-]+)+"),
    (
        "account",
        r"(?:微信|薇信|威信|v信|vx|wx|wechat|weixin|qq|q{2}号|旺旺|支付宝|淘宝号|抖音号|telegram|whatsapp)"
        r"(?:号|id|账号|账户|群)?\s*(?:是|为|:|：|=|\s)?\s*[a-z0-9_+-]{5,}",
    ),
    (
        "id",
        r"(?:订单号?|单号|运单号?|快递单号|身份证号?|卡号|会员号|order(?:\s+(?:no|number|id))?|tracking"
        r"(?:\s+(?:no|number))?|account)\s*(?:是|为|[:：#.=]|number|no)*\s*#?"
        r"\s*[a-z]{0,4}[- ]?\d[\da-z-]{4,}",
    ),
    ("id", r"(?<!\d)\d{17}[\dx](?!\d)"),
    ("phone", r"(?<![\d.])(?:\+|00)?\d[\d \-.()]{5,17}\d(?![\d.]*(?:ml|g|kg|cm|mm|元|块))"),
    ("phone", rf"(?<![{_NUMERALS}])[1一幺](?:[\s-]?[{_NUMERALS}]){{10}}(?![{_NUMERALS}])"),
    (
        "address",
        r"[\u4e00-\u9fff]{2,8}(?:省|自治区|市|区|县|镇|乡)[\u4e00-\u9fff0-9a-z-]{0,20}?"
        r"(?:路|街|大道|巷|弄|小区|花园|苑|大厦|广场|号|栋|幢|单元|室)[0-9a-z号栋幢楼单元室弄-]*",
    ),
    (
        "address",
        r"[\u4e00-\u9fff]{1,8}(?:路|街|大道|巷|弄|小区|花园|苑|大厦)\s*\d+\s*(?:号|弄|栋|幢|楼|室|单元)[0-9a-z号栋幢楼单元室弄-]*",
    ),
    ("address", r"\d+\s*(?:号楼|栋|幢|单元)[0-9a-z号栋幢楼单元室-]*"),
    (
        "address",
        r"(?<!\d)\d{1,5}\s+(?:[a-z]+\.?\s+){1,3}(?:street|st|avenue|ave|road|rd|lane|ln|drive|dr|boulevard|blvd|court|ct)\b\.?"
        r"(?:,?\s*(?:apt|apartment|unit|suite)\.?\s*\w+)?",
    ),
    (
        "name",
        rf"(?:我叫|我是(?=[{_SURNAMES}])|名叫|姓名|收件人|收货人|联系人|经理|客服|店员|师傅叫|快递员)\s*(?:是|叫|为|[:：])\s*{_NAME}",
    ),
    (
        "name",
        rf"(?:客服|店员|快递员|师傅)?(?:小|阿|老)[{_SURNAMES}](?![\u4e00-\u9fff]{{0,1}}(?:的确|吃))",
    ),
    (
        "name",
        rf"[{_SURNAMES}][\u4e00-\u9fff]{{0,2}}?(?:先生|女士|小姐|老师|师傅|经理|总|哥|姐|阿姨|叔叔)",
    ),
    ("name", r"(?<![a-z])(?:mr|mrs|ms|miss|dr)\.?\s+[a-z]+(?:\s+(?-i:[A-Z])[a-z]+)?"),
    ("name", r"(?:my name is|i am called|ask for|signed,?)\s+[a-z]+(?:\s+(?-i:[A-Z])[a-z]+)?"),
)
_MASK = tuple((kind, re.compile(pattern, re.I)) for kind, pattern in _MASKS)


def mask_text(text: str) -> str:
    """A cleaned text without phones, names, addresses, e-mails, accounts, links and ids.

    Patterns find what is written as such; a name that stands alone in running text cannot be
    told from a word, so quotes are chosen to be short.

    >>> mask_text("请联系王女士 138 1234 5678, a.b@c.com")
    '请联系[name] [phone], [e-mail]'
    """
    words = {
        "link": tr("[link]"), "mail": tr("[e-mail]"), "account": tr("[account]"),
        "id": tr("[number]"), "phone": tr("[phone]"), "address": tr("[address]"),
        "name": tr("[name]"),
    }  # fmt: skip
    for kind, pattern in _MASK:
        text = pattern.sub(words[kind], text)
    return text


def shorten_text(text: str, *, most: int = 90) -> str:
    """The beginning of a text, cut between clauses or words where it can be.

    >>> shorten_text("It is soft, it is warm, and it came on time.", most=24)
    'It is soft, it is warm…'
    """
    if len(text) <= most:
        return text
    head = text[: most - 1]
    cut = max(head.rfind(mark) for mark in ",.!?;，。！？； ")
    return (head[:cut] if cut > most // 2 else head).rstrip(" ,.!?;，。！？；") + "…"

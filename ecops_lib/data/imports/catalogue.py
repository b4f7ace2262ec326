"""All formats that ecops recognises by itself."""

from __future__ import annotations

from ecops_lib.data.imports import (
    alimama,
    contact_lists,
    exposures,
    keepa,
    listings,
    olist,
    online_retail,
    shopify,
    sycm,
    tmall,
)
from ecops_lib.data.imports.formats import Format

FORMATS: tuple[Format, ...] = (
    tmall.ORDERS,
    tmall.LINES,
    tmall.REFUNDS,
    sycm.PRODUCTS,
    sycm.SHOP,
    sycm.KEYWORDS,
    alimama.ADS,
    shopify.ORDERS,
    online_retail.LINES,
    exposures.LOG,
    contact_lists.LIST,
    listings.LISTINGS,
    keepa.ITEMS,
    *olist.FORMATS,
)

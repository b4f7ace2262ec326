"""The demo shop: 18 months of an invented shop as raw exports, with planted truths.

    write_demo("demo")          # demo/exports/*, demo/truths.json

Everything is drawn from one seed, so two runs give the same bytes; every truth is a
parameter (``Truths``). The modules follow the shop's life: ``catalogue`` and ``season``,
``editions`` (own campaigns), ``bids`` and ``visits``, ``baskets``, ``sessions`` (creators),
``extras`` (what both add and take), ``trade`` (orders), ``buyers``, ``habits`` and ``mailings``
(which let orders change ``hands``), ``fulfilment``, ``claims``, ``stock``, ``service``,
``promotion`` (ads) and ``words``, ``members``, ``points``, ``community`` and ``surroundings``;
``exports`` writes what platforms and people would have let one download.
"""

from __future__ import annotations

from ecops_lib.data.demo.shop import DemoShop, write_demo
from ecops_lib.data.demo.truths import Truths

__all__ = ["DemoShop", "Truths", "write_demo"]

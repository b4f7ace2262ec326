"""What the days before a campaign promise: carts against stock, deposits against balances."""

from ecops_lib.campaigns.warmup.carts import Warmup, watch_warmup
from ecops_lib.campaigns.warmup.presale import ExpectedBalance, expect_balance

__all__ = ["ExpectedBalance", "Warmup", "expect_balance", "watch_warmup"]

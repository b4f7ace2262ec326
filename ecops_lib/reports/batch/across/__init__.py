"""Shops of a run beside one another, from what their pages leave behind."""

from ecops_lib.reports.batch.across.page import SHOPS_PAGE, shops_page, write_shops

__all__ = ["SHOPS_PAGE", "shops_page", "write_shops"]

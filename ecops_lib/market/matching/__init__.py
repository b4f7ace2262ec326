"""Which of their items is ours?"""

from ecops_lib.market.matching.items import ItemMatches, match_items
from ecops_lib.market.matching.review import read_review, write_review

__all__ = ["ItemMatches", "match_items", "read_review", "write_review"]

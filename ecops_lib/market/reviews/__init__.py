"""What customers say: sentiment, aspects, words, complaints, quotes, and what to improve."""

from ecops_lib.market.reviews.aspects import count_aspects, find_aspects
from ecops_lib.market.reviews.complaints import watch_complaints
from ecops_lib.market.reviews.iterations import keep_iterations, list_iterations, read_iterations
from ecops_lib.market.reviews.model import fit_sentiment
from ecops_lib.market.reviews.quotes import quote_reviews
from ecops_lib.market.reviews.reading import read_reviews
from ecops_lib.market.reviews.sentiment import rate_sentiment
from ecops_lib.market.reviews.words import compare_words

__all__ = [
    "compare_words",
    "count_aspects",
    "find_aspects",
    "fit_sentiment",
    "keep_iterations",
    "list_iterations",
    "quote_reviews",
    "rate_sentiment",
    "read_iterations",
    "read_reviews",
    "watch_complaints",
]

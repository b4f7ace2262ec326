"""What kind of day is it? Public holidays, lunar new year, shopping festivals, own campaigns."""

from ecops_lib.data.calendar.compare import ComparableDay, comparable_day
from ecops_lib.data.calendar.days import day_words, describe_days

__all__ = ["ComparableDay", "comparable_day", "day_words", "describe_days"]

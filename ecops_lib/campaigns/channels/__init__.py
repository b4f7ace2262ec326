"""Which channels brought the purchases?"""

from ecops_lib.campaigns.channels.attribution import Attribution, attribute_paths
from ecops_lib.campaigns.channels.building import BuiltPaths, build_paths
from ecops_lib.campaigns.channels.totals import (
    ChannelTotals,
    attribute_channels,
    total_channels,
)

__all__ = [
    "Attribution",
    "BuiltPaths",
    "ChannelTotals",
    "attribute_channels",
    "attribute_paths",
    "build_paths",
    "total_channels",
]

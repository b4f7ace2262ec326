"""Every slice that a few dimensions can cut out of a table of leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, log, prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]
    Codes = NDArray[np.int64]
    Flags = NDArray[np.bool_]

DENSE = 4
"""Cells a leaf up to which a cuboid keeps a place for every combination of values."""

Slice = tuple[tuple[str, Any], ...]
"""Dimensions and their values, in the order of the dimensions' names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cuboid:
    """All slices of the same dimensions.

    Attributes:
        dimensions: Places of the dimensions.
        cell: Which slice each leaf lies in.
        keys: What names each slice: its values' codes as digits of one number.
        surprise: Nats that it takes to name one of its slices among all.
    """

    dimensions: tuple[int, ...]
    cell: Codes
    keys: Codes
    surprise: float

    def sums(self, values: Numbers) -> Numbers:
        """Values of the leaves added up by slice."""
        import numpy as np

        held: Numbers = np.bincount(self.cell, values, len(self.keys)).astype(float)
        return held


class Lattice:
    """The slices of a table of leaves, up to so many dimensions deep; the first is the whole."""

    def __init__(self, leaves: pd.DataFrame, dimensions: Sequence[str], *, deepest: int) -> None:
        import numpy as np
        import pandas as pd

        self.names = tuple(sorted(dimensions))
        coded = [pd.factorize(leaves[name], sort=True) for name in self.names]
        self.codes = [codes.astype(np.int64) for codes, _ in coded]
        self.values = [list(values) for _, values in coded]
        self.depth = min(deepest, len(self.names))
        self.cuboids = tuple(self._cuboids())

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each dimension has."""
        return tuple(map(len, self.values))

    def _cuboids(self) -> Iterator[Cuboid]:
        for depth in range(self.depth + 1):
            for chosen in combinations(range(len(self.names)), depth):
                yield self._cuboid(chosen)

    def _cuboid(self, chosen: tuple[int, ...]) -> Cuboid:
        import numpy as np
        import pandas as pd

        key = np.zeros(len(self.codes[0]), dtype=np.int64)
        for place in chosen:
            key = key * self.sizes[place] + self.codes[place]
        cells = prod(self.sizes[place] for place in chosen)
        if cells <= DENSE * len(key):
            cell, keys = key, np.arange(cells)
        else:
            cell, keys = pd.factorize(key, sort=True)
        kinds = comb(len(self.names), len(chosen))
        surprise = log(kinds) + sum(log(self.sizes[place]) for place in chosen)
        return Cuboid(dimensions=chosen, cell=cell, keys=keys, surprise=surprise)

    def named(self, cuboid: Cuboid, at: int) -> Slice:
        """The values that make a slice.

        >>> import pandas as pd
        >>> leaves = pd.DataFrame({"region": ["N", "S"], "channel": ["ads", "search"]})
        >>> lattice = Lattice(leaves, ["region", "channel"], deepest=2)
        >>> lattice.named(lattice.cuboids[-1], 0)
        (('channel', 'ads'), ('region', 'N'))
        """
        key, found = int(cuboid.keys[at]), []
        for place in reversed(cuboid.dimensions):
            key, code = divmod(key, self.sizes[place])
            found.append((self.names[place], self.values[place][code]))
        return tuple(reversed(found))

    def holds(self, values: Mapping[str, Any]) -> Flags:
        """Which leaves lie in a slice."""
        import numpy as np

        inside: Flags = np.ones(len(self.codes[0]), dtype=bool)
        for name, value in values.items():
            place = self.names.index(name)
            inside &= self.codes[place] == self.values[place].index(value)
        return inside

"""Demo shops that the tests of this folder share; as dense as the default one, but short."""

from __future__ import annotations

import pytest
from demo_exports import Exports

from ecops_lib.data.demo import Truths, write_demo
from ecops_lib.data.demo.truths import ChannelLoss, ConversionDrop

SHORT = {"months": 3, "orders": 4_600}


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Three months with everything planted."""
    return Exports(write_demo(tmp_path_factory.mktemp("planted"), **SHORT))


@pytest.fixture(scope="session")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Three months with nothing planted."""
    return Exports(write_demo(tmp_path_factory.mktemp("plain"), truths=Truths.none(), **SHORT))


@pytest.fixture(scope="session")
def reversed_shop(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Three months in which what falls by default rises."""
    truths = Truths(
        conversion_drop=ConversionDrop(factor=1.8), channel_loss=ChannelLoss(factor=1.8)
    )
    return Exports(write_demo(tmp_path_factory.mktemp("reversed"), truths=truths, **SHORT))


@pytest.fixture(scope="session")
def long_shop(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """Eighteen months of few orders: all generations of the exports."""
    return Exports(write_demo(tmp_path_factory.mktemp("long"), months=18, orders=2_000))


@pytest.fixture(scope="session")
def whole_shop(tmp_path_factory: pytest.TempPathFactory) -> Exports:
    """The default shop: only this one is large enough for what mailings do."""
    return Exports(write_demo(tmp_path_factory.mktemp("whole")))

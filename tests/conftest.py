"""What tests of more than one folder use."""

from tests.bids.conftest import dataset

__all__ = ["dataset"]

from tests.bids.conftest import dataset

__all__ = ["dataset"]

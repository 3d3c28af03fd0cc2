"""Where the priors of tissue come from."""

import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.tissue_priors import _installed


@pytest.mark.parametrize("package", ["nibabel", "a_package_that_is_not_there"])
def test_a_prior_that_no_package_carries_is_named(package: str) -> None:
    with pytest.raises(MorbidsError, match=f"{package} does not carry nowhere.nii.gz") as refused:
        _installed(package, "nowhere.nii.gz")
    assert refused.value.exit_code == ExitCode.NO_INPUT

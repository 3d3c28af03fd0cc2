"""One coarse study for all tests of the simulator: building the head takes seconds."""

from pathlib import Path

import pytest

from morbids.simulation.settings import StudySettings
from morbids.simulation.study import simulate_study
from morbids.simulation.subject import Phantom, build_phantom

TINY = StudySettings(participants=1, pet_voxel_mm=9.0, t1w_voxel_mm=5.0, seed=4)


@pytest.fixture(scope="session")
def phantom() -> Phantom:
    return build_phantom(voxel_mm=2.0)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_study(tmp_path_factory.mktemp("simulated") / "study", TINY)

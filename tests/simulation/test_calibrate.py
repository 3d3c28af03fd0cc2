import logging
from pathlib import Path

import pandas as pd
import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.simulation.__main__ import main
from morbids.simulation.calibrate import build_parser, run

pytestmark = pytest.mark.graph


def test_fast_dissociation_fabricates_nothing_and_slow_does(tmp_path: Path) -> None:
    assert main(["calibrate", "--out", str(tmp_path / "table.tsv")]) == ExitCode.OK
    table = pd.read_csv(tmp_path / "table.tsv", sep="\t")
    typical = table[(table["shape"] == "step") & (table["bp_nd"] == 1.6) & (table["r1"] == 1.0)]
    mixed = typical[typical["tissue"] == "mixed"].set_index("k4")["null_percent"]
    typical = typical[typical["tissue"] == "unmixed"]
    null = dict(zip(typical["k4"], typical["null_percent"], strict=True))
    recovered = dict(zip(typical["k4"], typical["recovered"], strict=True))
    assert abs(null[0.3]) < 1.5
    assert (mixed[[0.1, 0.05]] < -2).all()
    assert all(mixed[k4] < null[k4] - 1 for k4 in null), "mixed tissue reads a rise of its own"
    assert null[0.05] < -5
    assert 0.7 < recovered[0.3] < 1


def test_every_option_changes_the_result(tmp_path: Path) -> None:
    def medians(*words: str) -> tuple[float, float]:
        run(["--k4", "0.2", *words, "--out", str(tmp_path / "table.tsv")])
        table = pd.read_csv(tmp_path / "table.tsv", sep="\t")
        return table["null_percent"].median(), table["recovered"].median()

    usual = medians()
    for words in (
        ["--k2prime", "0.08"],
        ["--true-k2prime", "0.08"],
        ["--model", "SRTM"],
        ["--bolus-fraction", "1"],
        ["--infusion-min", "60"],
        ["--change", "-0.4"],
        ["--window", "a=20-40", "b=60-90"],
        ["--k4", "0.1"],
        ["--mixed-tissue", "apart"],
    ):
        assert medians(*words) != usual, words


def test_frames_come_from_the_sidecar(study: Path, caplog: pytest.LogCaptureFixture) -> None:
    sidecar = study / "sub-01" / "pet" / "sub-01_task-rejection_trc-carfentanil_pet.json"
    with caplog.at_level(logging.INFO):
        run(["--k4", "0.3"])
        usual = caplog.messages.copy()
        caplog.clear()
        run(["--k4", "0.3", "--sidecar", str(sidecar)])
    assert caplog.messages == usual
    assert len(usual) == 7


def test_a_window_without_frames_is_refused() -> None:
    with pytest.raises(MorbidsError, match="holds 1 frames"):
        run(["--window", "a=10-40", "b=80-90"])


def test_an_unreadable_window_is_an_error_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["calibrate", "--window", "early", "b=45-90"])
    assert caught.value.code == ExitCode.USAGE
    assert "is not NAME=START-END" in capsys.readouterr().err


def test_documentation_names_every_option() -> None:
    text = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    options = [option for action in build_parser()._actions for option in action.option_strings]
    assert {option for option in options if f"`{option}" not in text} <= {"-h", "--help"}

import re
from pathlib import Path

import pytest

from morbids.errors import ExitCode
from morbids.simulation.__main__ import build_parser, choose_heads, choose_settings, main
from morbids.simulation.settings import HeadFiles, StudySettings

pytestmark = pytest.mark.graph


def settings_of(*words: str) -> StudySettings:
    return choose_settings(build_parser().parse_args(["out", *words]))


def test_full_size_is_the_study_and_explicit_sizes_win() -> None:
    full = settings_of("--full-size")
    assert (full.participants, full.pet_voxel_mm, full.t1w_voxel_mm) == (18, 2.25, 1.0)
    one = settings_of("--full-size", "--participants", "1", "--t1w-voxel-mm", "2")
    assert (one.participants, one.pet_voxel_mm, one.t1w_voxel_mm) == (1, 2.25, 2.0)


def test_t1w_voxel_follows_the_pet_voxel() -> None:
    assert settings_of().t1w_voxel_mm == 2.0
    assert settings_of("--voxel-mm", "3").t1w_voxel_mm == pytest.approx(1.33)
    assert settings_of("--voxel-mm", "2").t1w_voxel_mm == 1.0


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        (["--seed", "9"], "seed", 9),
        (["--null"], "null", True),
        (["--noise", "0.5"], "noise", 0.5),
        (["--motion", "0"], "motion", 0.0),
        (["--k4", "0.1"], "k4", 0.1),
        (["--k2prime", "0.1"], "k2_prime", 0.1),
        (["--kinetics", "one_tissue"], "kinetics", "one_tissue"),
        (["--occipital-binding", "1"], "occipital_binding", 1.0),
        (["--psf-fwhm-mm", "3"], "psf_fwhm_mm", 3.0),
    ],
)
def test_every_option_reaches_the_settings(words: list[str], field: str, value: object) -> None:
    assert getattr(settings_of(*words), field) == value


def test_heads_are_read_with_as_many_participants(tmp_path: Path) -> None:
    heads = [tmp_path / name for name in ("a.nii.gz", "b.nii.gz")]
    for path in heads:
        path.touch()
    words = ["out", "--heads", *map(str, heads), "--labels", *map(str, heads)]
    arguments = build_parser().parse_args(words)
    assert choose_settings(arguments).participants == 2
    assert choose_heads(arguments) == HeadFiles(tuple(heads), tuple(heads))
    assert choose_heads(build_parser().parse_args([*words, "--t1w-voxel-mm", "1"])) == HeadFiles(
        tuple(heads), tuple(heads), 1.0
    )
    assert choose_heads(build_parser().parse_args(["out"])) is None


def test_labels_without_heads_are_an_error_of_usage(tmp_path: Path) -> None:
    assert main([str(tmp_path / "out"), "--labels", "labels.nii.gz"]) == ExitCode.USAGE
    assert main([str(tmp_path / "out"), "--heads", "nowhere.nii.gz"]) == ExitCode.USAGE
    assert not (tmp_path / "out").exists()


def test_zero_participants_is_an_error_of_usage(tmp_path: Path) -> None:
    assert main([str(tmp_path / "out"), "--participants", "0"]) == ExitCode.USAGE
    assert main([str(tmp_path / "out"), "--voxel-mm", "0"]) == ExitCode.USAGE


def test_unknown_option_leaves_with_the_exit_code_of_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["out", "--colour", "red"])
    assert caught.value.code == ExitCode.USAGE
    assert "--colour" in capsys.readouterr().err


def test_documentation_names_every_option() -> None:
    text = (Path(__file__).parents[2] / "docs" / "simulation.md").read_text()
    options = re.findall(r"--[a-z0-9-]+", build_parser().format_help())
    assert {option for option in options if option not in text} <= {"--help"}

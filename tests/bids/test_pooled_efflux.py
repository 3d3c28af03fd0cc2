"""k2' of finished scans becomes a file that the next participant run reads; the command that writes it."""

import json
from pathlib import Path

import pytest

from morbids.bids.pooled_efflux import pool_dataset, read_pooled
from morbids.errors import ExitCode, MorbidsError
from morbids.pool_k2prime import main

ESTIMATES = {"01": 0.10, "02": 0.11, "03": 0.12}


def dataset(folder: Path, tracer: str = "cfn", estimates: dict[str, float] = ESTIMATES) -> Path:
    """Sidecars of regional tables as the participant level leaves them: two per scan, one model without k2'."""
    for label, value in estimates.items():
        pet = folder / f"sub-{label}" / "pet"
        pet.mkdir(parents=True, exist_ok=True)
        known = {"k2primeOfScan": value, "k2primeOfScanStandardError": 0.004, "k2prime": 0.1237}
        for desc, content in (("baseline", known), ("rejection", known)):
            name = (
                f"sub-{label}_task-rejection_trc-{tracer}_seg-AAL_model-StepChange2_desc-{desc}_kinpar.json"
            )
            (pet / name).write_text(json.dumps(content))
        other = f"sub-{label}_task-rejection_trc-{tracer}_seg-AAL_model-MRTM1_kinpar.json"
        (pet / other).write_text("{}")
    return folder


def test_each_scan_counts_once_and_the_file_tells_the_group(tmp_path: Path) -> None:
    out = tmp_path / "k2prime.json"
    pooled = pool_dataset(dataset(tmp_path), out)
    assert pooled.mean == pytest.approx(0.11)
    content = json.loads(out.read_text())
    assert sorted(content["Scans"]) == [f"sub-{label}_task-rejection_trc-cfn" for label in ESTIMATES]
    found = read_pooled(out)
    assert (found.k2_prime, found.spread) == pytest.approx(pooled.published)
    assert found.source == "3 scans pooled in k2prime.json"


def test_few_scans_and_several_tracers_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "k2prime.json"
    few = dataset(tmp_path / "few", estimates={"01": 0.1, "02": 0.1})
    with pytest.raises(
        MorbidsError, match="holds 2 scans with an estimate of k2' of their own; 3 are needed"
    ):
        pool_dataset(few, out)
    both = dataset(dataset(tmp_path / "both"), "dasb", {"01": 0.06, "02": 0.06, "03": 0.06})
    with pytest.raises(MorbidsError, match="several tracers: cfn, dasb"):
        pool_dataset(both, out)
    assert pool_dataset(both, out, "dasb").mean == pytest.approx(0.06)


@pytest.mark.parametrize("content", ["{}", '{"k2prime": 0.1}', '{"k2prime": "fast", "Scans": {}}'])
def test_another_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "other.json"
    path.write_text(content)
    with pytest.raises(MorbidsError, match=r"other\.json does not hold k2prime, k2primeStandardError"):
        read_pooled(path)


def test_the_command_writes_beside_the_results(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert main([str(dataset(tmp_path))]) == ExitCode.OK
    assert (tmp_path / "k2prime.json").exists()
    assert "k2' 0.1100" in caplog.text
    assert main([str(tmp_path / "nothing")]) == ExitCode.NO_INPUT
    assert main(["--help"]) == ExitCode.OK
    assert main([]) == ExitCode.USAGE

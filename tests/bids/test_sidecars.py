"""What sidecars say of a scan, a model, a map."""

import re
from pathlib import Path
from typing import Any

import pytest

from morbids.bids import sidecars
from morbids.bids.scans import Filters, PetScan, find_scans
from morbids.bids.windows import Window, WindowPair
from morbids.numerics.kinetics.models import MODELS
from tests.bids.conftest import DatasetMaker

MODEL = sidecars.ModelUse(
    "LoganRef", "occipital", 0.1237, "preset", 10.0, "inverse variance", "0.1.0", "morbids"
)
EARLY, LATE = Window("baseline", 10.0, 40.0), Window("challenge", 45.0, 90.0)


def scan_with(dataset: DatasetMaker, **changes: Any) -> PetScan:
    """Return the only scan of a dataset with a changed sidecar."""
    dataset.pet("sub-01/pet/sub-01_task-x", **changes)
    return find_scans(dataset.root, Filters()).scans[0]


def test_the_series_keeps_raw_fields_but_not_those_that_became_untrue(dataset: DatasetMaker) -> None:
    scan = scan_with(
        dataset,
        ImageDecayCorrected=False,
        ImageDecayCorrectionTime=None,
        InjectionStart=-60,
        ScaleFactor=[1.0],
        DecayCorrectionFactor=[1.0],
    )
    sidecar = sidecars.preproc_pet_sidecar(scan, ["bids:raw:x"], "Motion-corrected")
    assert sidecar["Manufacturer"] == "Siemens"
    assert sidecar["FrameTimesStart"] == scan.metadata["FrameTimesStart"]
    assert (sidecar["ImageDecayCorrected"], sidecar["ImageDecayCorrectionTime"]) == (True, -60)
    assert sidecar["RadionuclideHalfLife"] == 1221.8
    assert sidecar["SkullStripped"] is False
    assert not {"ScaleFactor", "DecayCorrectionFactor"} & sidecar.keys()


def test_a_map_names_its_model_and_every_input(dataset: DatasetMaker) -> None:
    sidecar = sidecars.parametric_map_sidecar(scan_with(dataset), MODEL, "BPND", EARLY, ["bids:raw:x"])
    assert sidecar["ModelName"] == "LoganRef"
    assert sidecar["ReferenceRegion"] == "occipital"
    named = dict(zip(sidecar["InputValuesLabels"], sidecar["InputValues"], strict=True))
    assert named == {"k2prime": 0.1237, "tstar": 10.0, "window start": 10.0, "window end": 40.0}
    assert sidecar["InputValuesUnits"] == ["1/min", "min", "min", "min"]
    assert sidecar["Units"] == "unitless"
    assert sidecar["TracerName"] == "carfentanil"
    assert "Resolution" not in sidecar
    assert sidecar["Description"] == "Non-displaceable binding potential (LoganRef), window baseline"


def test_models_without_inputs_have_empty_lists() -> None:
    model = sidecars.ModelUse("SRTM", "occipital", None, "", None, "uniform", "0.1.0")
    fields = sidecars.model_fields(model, None)
    assert fields["InputValues"] == fields["InputValuesLabels"] == fields["InputValuesUnits"] == []
    assert not {"k2primeSource", "CommandLine"} & fields.keys()


@pytest.mark.parametrize(("percent", "units"), [(False, "unitless"), (True, "%")])
def test_a_difference_names_both_windows(dataset: DatasetMaker, percent: bool, units: str) -> None:
    pair = WindowPair(EARLY, LATE)
    sidecar = sidecars.difference_map_sidecar(
        scan_with(dataset), MODEL, "BPND", pair, [], percent=percent, resolution=sidecars.resolution_text(2)
    )
    assert sidecar["Baseline"] == {"name": "baseline", "start_min": 10.0, "end_min": 40.0}
    assert sidecar["Challenge"]["name"] == "challenge"
    assert sidecar["Units"] == units
    assert sidecar["Resolution"] == "Isotropic voxels of 2 mm"
    assert "baseline minus challenge" in sidecar["Description"]


@pytest.mark.parametrize("model", MODELS)
def test_every_parameter_of_every_model_is_described(dataset: DatasetMaker, model: str) -> None:
    parameters = MODELS[model].parameters  # type: ignore[index]
    sidecar = sidecars.kinpar_sidecar(scan_with(dataset), MODEL, parameters, None, [])
    for parameter in parameters:
        assert sidecar[parameter]["Units"] == sidecar[f"{parameter}-se"]["Units"]


def test_curves_tell_their_units_and_columns(dataset: DatasetMaker) -> None:
    sidecar = sidecars.curves_sidecar(scan_with(dataset, Units=None), "Curves of regions", [])
    assert sidecar["Units"] == "arbitrary"
    assert sidecar["frame_start"]["Units"] == sidecar["frame_end"]["Units"] == "s"


def test_masks_segmentations_transforms_tables_and_statistics() -> None:
    assert sidecars.mask_sidecar("Brain", ["a"], "Brain")["Type"] == "Brain"
    assert sidecars.segmentation_sidecar("Tissue", [], {"1": "GM"})["LabelMap"] == {"1": "GM"}
    assert "LabelMap" not in sidecars.segmentation_sidecar("Regions", [], {})
    transform = sidecars.transform_sidecar("T1w", "MNI152NLin2009cAsym", [])
    assert re.search("points go from MNI152NLin2009cAsym to T1w", transform["Description"])
    table = sidecars.table_sidecar("Motion", {"trans_x": ("Translation", "mm"), "outlier": ("1 or 0", "")})
    assert table["trans_x"] == {"Description": "Translation", "Units": "mm"}
    assert table["outlier"] == {"Description": "1 or 0"}
    statistic = sidecars.statistical_map_sidecar("t", "rejection", ["a"], {"DegreesOfFreedom": 17})
    assert statistic["Description"] == "t statistic of the contrast rejection"
    assert statistic["DegreesOfFreedom"] == 17


def test_uris_and_spaces() -> None:
    root = Path("/data/raw")
    assert sidecars.bids_uri(root / "sub-01/pet/x.nii.gz", root, "raw") == "bids:raw:sub-01/pet/x.nii.gz"
    assert sidecars.bids_uri(root / "sub-01/x.nii.gz", root) == "bids::sub-01/x.nii.gz"
    assert sidecars.template_reference("MNI152NLin2009cAsym") == {}
    assert sidecars.template_reference("OASIS30ANTs") == {
        "SpatialReference": "bids:templateflow:tpl-OASIS30ANTs/tpl-OASIS30ANTs_res-02_T1w.nii.gz"
    }

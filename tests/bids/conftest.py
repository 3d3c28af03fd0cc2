"""Small PET-BIDS datasets, made where a test needs them, and the public ones beside the repository."""

import json
import os
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

REPOSITORY = Path(__file__).parents[2]

START_S = [0, 60, 120, 300, 600, 1200, 1800, 2400, 3000, 3600, 4200, 4800]
DURATION_S = [60, 60, 180, 300, 600, 600, 600, 600, 600, 600, 600, 600]

METADATA: dict[str, Any] = {
    "Manufacturer": "Siemens",
    "ManufacturersModelName": "HR+",
    "Units": "Bq/mL",
    "BodyPart": "brain",
    "TracerName": "carfentanil",
    "TracerRadionuclide": "C11",
    "InjectedRadioactivity": 500,
    "InjectedRadioactivityUnits": "MBq",
    "InjectedMass": 1,
    "InjectedMassUnits": "ug",
    "SpecificRadioactivity": 500,
    "SpecificRadioactivityUnits": "MBq/ug",
    "ModeOfAdministration": "bolus",
    "TimeZero": "12:00:00",
    "ScanStart": 0,
    "InjectionStart": 0,
    "FrameTimesStart": START_S,
    "FrameDuration": DURATION_S,
    "AcquisitionMode": "dynamic",
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 0,
    "ReconMethodName": "FBP",
    "ReconMethodParameterLabels": ["none"],
    "ReconFilterType": "none",
    "ReconFilterSize": 0,
    "AttenuationCorrection": "transmission",
}


class DatasetMaker:
    """Write a raw PET-BIDS dataset piece by piece."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.text("dataset_description.json", json.dumps({"Name": "Tiny", "BIDSVersion": "1.10.0"}))
        self.text("README.md", "A tiny dataset for tests: no real measurements, only their form.\n" * 3)

    def text(self, path: str, content: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        return file

    def metadata(self, path: str, **changes: Any) -> Path:
        """Write a sidecar: the usual fields, changed; a change to None leaves the field out."""
        fields = {key: value for key, value in {**METADATA, **changes}.items() if value is not None}
        return self.text(path, json.dumps(fields))

    def image(self, path: str, n_volumes: int = 0) -> Path:
        """Write an image of 2 x 2 x 2 voxels; 3D when it has no volumes."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        shape = (2, 2, 2, n_volumes) if n_volumes else (2, 2, 2)
        nib.save(nib.Nifti1Image(np.ones(shape, dtype=np.float32), np.eye(4)), file)
        return file

    def pet(self, path: str, **changes: Any) -> Path:
        """Write a PET image and its sidecar."""
        times = {**METADATA, **changes}["FrameTimesStart"]
        self.metadata(f"{path}_pet.json", **changes)
        return self.image(f"{path}_pet.nii.gz", len(times) if times else len(START_S))


@pytest.fixture
def dataset(tmp_path: Path) -> DatasetMaker:
    """Return the maker of an empty dataset."""
    return DatasetMaker(tmp_path / "raw")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public datasets beside the repository; tests that need them are skipped where they are not."""
    folder = Path(os.environ.get("MORBIDS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no public data at {folder}")
    return folder

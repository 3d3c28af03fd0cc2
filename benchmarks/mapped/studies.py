"""Studies of map files: noise in proportion to binding, with or without release, skew or bias."""

import functools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import nibabel as nib
import numpy as np
import pandas as pd
from scipy import ndimage

from benchmarks.mapped.bias import mixed_tissue_bias, write_calibration
from morbids.bids.names import difference_label, output_path
from morbids.imaging.images import read_image
from morbids.imaging.templates import find_template
from morbids.numerics.arrays import BoolArray, FloatArray
from morbids.simulation.regions import region_centres

N_PEOPLE = 18
TASKS = ("rejection", "acceptance")
VOXEL_MM = 6.0
# Local binding: METHODS of the simulator, elsewhere 1.2.
BINDING = {
    "VentralStriatum": 2.5, "Amygdala": 1.56, "MidlineThalamus": 2.9, "PAG": 1.2, "sgACC": 1.47, "pgACC": 1.7,
    "AnteriorInsula": 1.6,
}  # fmt: skip
BACKGROUND = 1.2
# Regions with release by task, and its sign.
CHANGED = {
    "rejection": {"VentralStriatum": 1, "Amygdala": 1, "MidlineThalamus": 1, "PAG": 1},
    "acceptance": {"Amygdala": 1, "AnteriorInsula": 1, "MidlineThalamus": -1, "sgACC": -1},
}
RADIUS_MM = 8.0
SD_OF_CHANGE, NOISE_FWHM_MM = 0.12, 7.0
SD_OF_BINDING, SD_OF_RELEASE = 0.2, 0.3


class Recipe(NamedTuple):
    """What a study is made of.

    Attributes
    ----------
    release
        Mean share of binding that is released.
    skewness
        Of the errors of a voxel.
    biased
        Whether the contrast reads mixed tissue as the protocol does, and scans have calibrations.
    n_second
        People of the second of two groups; 0 for none, and two tasks.
    """

    release: float = 0.0
    skewness: float = 0.0
    biased: bool = False
    n_second: int = 0

    @property
    def tasks(self) -> tuple[str, ...]:
        """One task where groups are compared."""
        return TASKS[:1] if self.n_second else TASKS


class Brain(NamedTuple):
    """Grid of the maps: affine, the template's mask as a file, voxels inside and their places in mm."""

    affine: FloatArray
    mask: Path
    inside: BoolArray
    places_mm: FloatArray
    labels: Path
    names: Path


class Drawn(NamedTuple):
    """A study in memory: by task the (18, n_voxels) maps of both windows; (3, 18) traits; who is in group two."""

    recipe: Recipe
    windows: dict[str, tuple[FloatArray, FloatArray]]
    traits: FloatArray
    second: BoolArray


@functools.cache
def prepare_brain() -> Brain:
    """Read the template's brain in voxels of 6 mm, and an atlas of one label, once."""
    folder = Path(tempfile.mkdtemp(prefix="claims-brain-"))
    image = read_image(find_template("MNI152NLin2009cAsym", 2, folder).mask)
    ratio = VOXEL_MM / image.voxel_mm
    shape = tuple((np.array(image.values.shape) / ratio).astype(int))
    mask = ndimage.affine_transform(image.values, np.diag(ratio), output_shape=shape, order=1) > 0.5
    affine = image.affine @ np.diag([*ratio, 1.0])
    places = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    paths = folder / "mask.nii", folder / "labels.nii"
    for path in paths:
        nib.save(nib.Nifti1Image(mask.astype(np.float32), affine), path)
    (folder / "labels.tsv").write_text("index\tname\n1\tBrain\n")
    return Brain(affine, paths[0], mask, places, paths[1], folder / "labels.tsv")


def draw_study(recipe: Recipe, seed: int) -> Drawn:
    """Draw people, their binding, noise and release; the same seed has the same noise in every recipe."""
    rng = np.random.default_rng([seed, 5])
    people = 1 + SD_OF_BINDING * rng.standard_normal(N_PEOPLE).clip(-2, 2)
    traits = rng.standard_normal((3, N_PEOPLE))
    windows = {}
    bias = np.vectorize(mixed_tissue_bias)(binding_map()) if recipe.biased else 0.0
    for task in recipe.tasks:
        share = 1 + SD_OF_RELEASE * rng.standard_normal(N_PEOPLE)
        baseline, challenge = [], []
        for person, own in zip(people, share, strict=True):
            binding = person * binding_map()
            early, late = (_draw_noise(rng) for _ in range(2))
            change = recipe.release * own * _released(task)
            baseline.append(binding * (1 + 0.3 * SD_OF_CHANGE * early))
            wanted = np.sqrt(1 - 0.09) * SD_OF_CHANGE * skew(late, recipe.skewness)
            challenge.append(binding * (1 - change - bias) - binding * wanted)
        windows[task] = (np.stack(baseline), np.stack(challenge))
    return Drawn(recipe, windows, traits, np.arange(N_PEOPLE) >= N_PEOPLE - recipe.n_second)


def write_study(drawn: Drawn, folder: Path) -> None:
    """Write maps with sidecars, the table of participants, and calibrations where the protocol is biased."""
    raw = folder / "raw"
    raw.mkdir(parents=True)
    (raw / "dataset_description.json").write_text('{"Name": "null", "BIDSVersion": "1.10.0"}')
    names = [f"sub-{number:02d}" for number in range(1, N_PEOPLE + 1)]
    columns = dict(zip(("first", "second", "third"), drawn.traits, strict=True))
    groups = np.where(drawn.second, "two", "one")
    table = pd.DataFrame({"participant_id": names, **columns, "group": groups})
    table.to_csv(raw / "participants.tsv", sep="\t", index=False)
    for task, (baseline, challenge) in drawn.windows.items():
        told = {"Baseline": {"name": "baseline"}, "Challenge": {"name": task}}
        for person, (early, late) in enumerate(zip(baseline, challenge, strict=True)):
            scan = {"sub": names[person].removeprefix("sub-"), "task": task}
            _write_map(folder / "out", scan, "baseline", early, {})
            _write_map(folder / "out", scan, task, late, {})
            _write_map(folder / "out", scan, difference_label("baseline", task), early - late, told)
            if drawn.recipe.biased:
                write_calibration(folder / "out", scan, f"baseline minus {task}")


def skew(values: FloatArray, skewness: float) -> FloatArray:
    """Turn standard normal values into shifted log-normal ones of mean 0, SD 1 and this skewness."""
    if not skewness:
        return values
    # (w + 2) sqrt(w - 1) is the skewness of a log-normal distribution of w = exp(sigma^2).
    grid = np.linspace(1 + 1e-6, 4, 100_000)
    w = float(np.interp(skewness, (grid + 2) * np.sqrt(grid - 1), grid))
    sigma = np.sqrt(np.log(w))
    return np.asarray((np.exp(sigma * values) - np.sqrt(w)) / np.sqrt(w * (w - 1)))


def smooth_maps(maps: FloatArray) -> FloatArray:
    """(n_maps, n_voxels) maps smoothed by 6 mm within the brain, as the group level does by default."""
    inside = prepare_brain().inside
    sigma = 6.0 / VOXEL_MM / np.sqrt(8 * np.log(2))
    weight = ndimage.gaussian_filter(inside.astype(float), sigma)[inside]
    volume = np.zeros(inside.shape)
    smooth = []
    for values in maps:
        volume[inside] = values
        smooth.append(ndimage.gaussian_filter(volume, sigma)[inside] / weight)
    return np.stack(smooth)


@functools.cache
def binding_map() -> FloatArray:
    """(n_voxels,) mean binding."""
    binding = np.full(len(prepare_brain().places_mm), BACKGROUND)
    for region, value in BINDING.items():
        binding[near(region, RADIUS_MM)] = value
    return binding


@functools.cache
def near(region: str, radius_mm: float) -> BoolArray:
    """(n_voxels,) whether a voxel lies within a radius of a region's centres."""
    return np.asarray(np.any(voxels_of(region, radius_mm), axis=0))


def voxels_of(region: str, radius_mm: float) -> list[BoolArray]:
    """(n_voxels,) the same for each centre; of a sphere that is smaller than a voxel, the nearest one."""
    places = prepare_brain().places_mm
    distances = [np.linalg.norm(places - centre, axis=1) for centre in region_centres(region)]
    return [distance <= max(radius_mm, distance.min()) for distance in distances]


@functools.cache
def _released(task: str) -> FloatArray:
    """(n_voxels,) sign of the release."""
    signs = np.zeros(len(prepare_brain().places_mm))
    for region, sign in CHANGED[task].items():
        signs[near(region, RADIUS_MM)] = sign
    return signs


def _draw_noise(rng: np.random.Generator) -> FloatArray:
    """(n_voxels,) smooth noise of SD 1; smoothed in a larger box, so that it is as rough at the border as inside."""
    inside = prepare_brain().inside
    box = tuple(size + 8 for size in inside.shape)
    sigma = NOISE_FWHM_MM / VOXEL_MM / np.sqrt(8 * np.log(2))
    smooth = ndimage.gaussian_filter(rng.standard_normal(box), sigma)[4:-4, 4:-4, 4:-4][inside]
    return np.asarray(smooth / _noise_sd())


@functools.cache
def _noise_sd() -> float:
    sigma = NOISE_FWHM_MM / VOXEL_MM / np.sqrt(8 * np.log(2))
    return float(ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((60, 60, 60)), sigma).std())


def _write_map(
    root: Path, scan: dict[str, str], desc: str, values: FloatArray, told: Mapping[str, object]
) -> None:
    entities = {"space": "MNI152NLin2009cAsym", "res": "2", "model": "LoganRef", "meas": "BPND", "desc": desc}
    path = output_path(root, scan, "parametric_map", entities)
    path = path.with_name(path.name.removesuffix(".gz"))
    path.parent.mkdir(parents=True, exist_ok=True)
    brain = prepare_brain()
    volume = np.full(brain.inside.shape, np.nan, np.float32)
    volume[brain.inside] = values
    nib.save(nib.Nifti1Image(volume, brain.affine), path)
    sidecar = {"ModelName": "LoganRef", "ReferenceRegion": "occipital", "Units": "unitless", **told}
    path.with_suffix(".json").write_text(json.dumps(sidecar))

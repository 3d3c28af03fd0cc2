"""The reference region: where the receptor is (nearly) absent, so that its curve stands for free tracer.

A region starts from atlas labels (or the user's mask), and steps take away voxels that may not be pure
reference tissue: the rim, the ends, voxels that are not grey matter, and voxels whose activity is out of
the ordinary. On coarse PET voxels these steps can leave nothing; they are then taken back one by one until
the region is large enough, and the notes say so.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage

from morbids.errors import ExitCode, MorbidsError
from morbids.imaging.images import Image, read_image, space_code, write_image
from morbids.imaging.regions import tissue_in_pet
from morbids.imaging.resampling import index_transform, read_chain, resample_volume
from morbids.imaging.user_atlases import IMAGE_EXTENSIONS, file_label
from morbids.numerics.arrays import BoolArray, FloatArray, IntArray

FINE_MM = 1.5
"""The region is drawn on voxels no longer than this: erosion by 2 mm would do nothing, or too much, to those of PET."""
LEAST_VOLUME_ML = 1.0
"""Below this the reference curve is noisier than the target's: steps are taken back."""
CONCERN_VOLUME_ML = 2.0
CONCERN_VARIATION = 0.3
"""Grey matter and the tissue beside it differ by more than this in most tracers: the region mixes tissues."""
WHOLE = "*"


@dataclass(frozen=True)
class ReferenceRule:
    """How a reference region is cut.

    Attributes
    ----------
    name
        BIDS label for `label-`.
    atlas
        Atlas that the labels belong to.
    labels
        Names of regions; `*` stands for anything.
    gm_threshold
        Least share of grey matter in a voxel; 0 takes all tissue.
    erode_mm
        Depth of the rim that is taken away.
    trim_share
        Share of the region's height that is taken away at the top, and again at the bottom.
    clean_histogram
        Whether voxels outside the full width at half maximum of the region's PET intensities are dropped.
    is_mixed
        Whether its voxels may differ: it is no one tissue.
    """

    name: str
    atlas: str
    labels: tuple[str, ...]
    gm_threshold: float = 0.5
    erode_mm: float = 2.0
    trim_share: float = 0.0
    clean_histogram: bool = False
    is_mixed: bool = False

    @property
    def fields(self) -> dict[str, object]:
        """The rule as the sidecar of the mask says it."""
        return {
            "Atlas": self.atlas if "/" not in self.atlas else Path(self.atlas).name,
            "Labels": list(self.labels),
            "GreyMatterThreshold": self.gm_threshold,
            "ErosionMM": self.erode_mm,
            "TrimmedShare": self.trim_share,
            "HistogramCleaned": self.clean_histogram,
        }


class ReferenceRegion(NamedTuple):
    """A mask in PET space.

    Attributes
    ----------
    mask, labels
        0 and 1 on the PET grid: what is left, and the labels that it was cut from.
    volume_ml
        Its volume.
    concern
        Empty, or the sentence that says why the region is doubtful.
    notes
        The steps that were taken, with the volume after each.
    variation
        Standard deviation of the voxels of the PET reference image in the mask, as part of their mean.
    """

    mask: Path
    labels: Path
    volume_ml: float
    concern: str
    notes: tuple[str, ...]
    variation: float


def reference_presets() -> Mapping[str, ReferenceRule]:
    """Presets by name (`occipital`, `cerebellar_grey`, ...)."""
    source = files("morbids") / "data" / "reference_regions.json"
    return {
        name: ReferenceRule(
            name=name.replace("_", ""),
            atlas=entry["atlas"],
            labels=tuple(entry["labels"]),
            gm_threshold=entry["gm_threshold"],
            erode_mm=entry["erode_mm"],
            trim_share=entry["trim_share"],
            clean_histogram=entry["clean_histogram"],
            is_mixed=entry.get("is_mixed", False),
        )
        for name, entry in json.loads(source.read_text()).items()
    }


def find_reference_rule(reference: str) -> ReferenceRule:
    """Return the rule of a preset, of labels of an atlas (`AAL:Calcarine_*,Cuneus_*`), or of the user's mask.

    A mask is taken as it was drawn.

    Raises
    ------
    MorbidsError
        Neither a preset, nor `ATLAS:LABEL[,LABEL...]`, nor an image.
    """
    presets = reference_presets()
    if reference in presets:
        return presets[reference]
    if reference.endswith(IMAGE_EXTENSIONS):
        name = file_label(Path(reference))
        return ReferenceRule(name, reference, (WHOLE,), gm_threshold=0.0, erode_mm=0.0)
    atlas, colon, labels = reference.rpartition(":")
    names = tuple(label.strip() for label in labels.split(",") if label.strip())
    if not colon or not atlas or not names:
        raise MorbidsError(
            f"There is no reference region '{reference}'.",
            f"Choose one of {', '.join(presets)}, name labels as ATLAS:LABEL,LABEL (an atlas or a label image), "
            "or give a mask image.",
            ExitCode.USAGE,
        )
    return ReferenceRule(name="custom", atlas=atlas, labels=names)


def make_reference_region(
    rule: ReferenceRule,
    atlas_dseg: Path,
    table: Path,
    petref: Path,
    out_dir: Path,
    gm: Path | None = None,
    gm_to_pet: Sequence[Path] = (),
    atlas_to_pet: Sequence[Path] = (),
) -> ReferenceRegion:
    """Cut the reference region out of an atlas.

    Parameters
    ----------
    atlas_dseg, table, atlas_to_pet
        The rule's atlas, its names, and the chain that brings it to PET.
    gm, gm_to_pet
        Probability of grey matter and the chain that brings it to PET.

    Raises
    ------
    MorbidsError
        A label is not in the table, or no voxel of the labels lies in the PET field of view.
    """
    pet = read_image(petref)
    names = pd.read_csv(table, sep="\t", dtype={"name": str})
    drawn = _draw_finely(atlas_dseg, atlas_to_pet, _chosen_index(rule, names, table), pet)
    if drawn is None or not (drawn.on_pet(pet, 0.0) & np.isfinite(pet.values)).any():
        raise MorbidsError(
            f"The reference region {rule.name} lies outside the field of view of {petref}.",
            "Look at the registration, or choose another reference with --reference.",
        )
    grey = tissue_in_pet(gm, gm_to_pet, petref) if gm is not None else None
    mask, notes = _cut_until_large_enough(rule, drawn, pet, grey)
    code, variation = space_code(pet.header), _variation(pet.values[mask])
    volume_ml = float(mask.sum() * pet.voxel_ml)
    return ReferenceRegion(
        write_image(mask, pet.affine, out_dir / "reference_mask.nii.gz", code=code),
        write_image(drawn.on_pet(pet, 0.0), pet.affine, out_dir / "reference_labels.nii.gz", code=code),
        volume_ml,
        "" if rule.is_mixed else _concern(rule.name, volume_ml, variation),
        notes,
        variation,
    )


class _FineRegion(NamedTuple):
    """A region on voxels that divide those of PET, in a box of PET's grid.

    Attributes
    ----------
    inside
        (x, y, z) of the box, finely.
    box
        Slices of PET's grid.
    split
        (3,) fine voxels per voxel of PET along each axis.
    """

    inside: BoolArray
    box: tuple[slice, ...]
    split: IntArray

    def on_pet(self, pet: Image, erode_mm: float) -> BoolArray:
        """Voxels of PET of which at least half lies in the region, after its rim has been taken off."""
        left = erode_rim(self.inside, erode_mm, pet.voxel_mm / self.split) if erode_mm > 0 else self.inside
        nx, ny, nz = (length // by for length, by in zip(left.shape, self.split, strict=True))
        shares = left.reshape(nx, self.split[0], ny, self.split[1], nz, self.split[2]).mean(axis=(1, 3, 5))
        mask = np.zeros(pet.values.shape, dtype=bool)
        mask[self.box] = shares >= 0.5
        return mask


def _draw_finely(
    atlas_dseg: Path, transforms: Sequence[Path], chosen: Sequence[int], pet: Image
) -> _FineRegion | None:
    """Draw the chosen labels around where they lie in PET; None when they do not."""
    atlas = read_image(atlas_dseg)
    region = np.isin(atlas.values, chosen).astype(np.float32)
    chain = read_chain(transforms)
    pull = index_transform(chain, pet.affine, atlas.affine)
    where = np.argwhere(resample_volume(region, pet.values.shape, pull, "linear") > 0)
    if not len(where):
        return None
    low = np.maximum(where.min(axis=0) - 1, 0)
    high = np.minimum(where.max(axis=0) + 2, pet.values.shape)
    split = np.maximum(np.ceil(pet.voxel_mm / FINE_MM - 1e-6), 1).astype(int)
    affine = pet.affine @ np.vstack(
        [np.column_stack([np.diag(1 / split), low + (1 / split - 1) / 2]), [0, 0, 0, 1]]
    )
    shape = tuple(((high - low) * split).tolist())
    fine = resample_volume(region, shape, index_transform(chain, affine, atlas.affine), "linear")
    box = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    return _FineRegion(fine >= 0.5, box, split)


def _chosen_index(rule: ReferenceRule, names: pd.DataFrame, table: Path) -> list[int]:
    """Label values that the rule names."""
    chosen: list[int] = []
    for pattern in rule.labels:
        found = [int(row["index"]) for row in names.to_dict("records") if fnmatch(str(row["name"]), pattern)]
        if not found:
            raise MorbidsError(
                f"The atlas table {table} has no region '{pattern}'.",
                f"It has {', '.join(names['name'].head(8))} ...",
            )
        chosen += found
    return chosen


def _cut_until_large_enough(
    rule: ReferenceRule, region: _FineRegion, pet: Image, grey: FloatArray | None
) -> tuple[BoolArray, tuple[str, ...]]:
    """Apply all steps; while too little is left, take one back (the one that matters least first)."""
    taken_back: list[str] = []
    relaxations: list[tuple[str, Callable[[ReferenceRule], ReferenceRule]]] = [
        ("histogram cleaning", lambda now: replace(now, clean_histogram=False)),
        ("erosion", lambda now: replace(now, erode_mm=0.0)),
        ("half of the grey-matter threshold", lambda now: replace(now, gm_threshold=now.gm_threshold / 2)),
        ("trimming of the ends", lambda now: replace(now, trim_share=0.0)),
        ("the grey-matter threshold", lambda now: replace(now, gm_threshold=0.0)),
    ]
    now = rule
    mask, notes = _cut(now, region, pet, grey)
    for name, relax in relaxations:
        if mask.sum() * pet.voxel_ml >= LEAST_VOLUME_ML:
            break
        relaxed = relax(now)
        if relaxed != now:
            now = relaxed
            taken_back.append(name)
            mask, notes = _cut(now, region, pet, grey)
    if taken_back:
        why = f"less than {LEAST_VOLUME_ML:g} mL was left"
        notes = (*notes, f"Taken back because {why}: {', '.join(taken_back)}.")
    return mask, notes


def _cut(
    rule: ReferenceRule, region: _FineRegion, pet: Image, grey: FloatArray | None
) -> tuple[BoolArray, tuple[str, ...]]:
    """Apply the steps of a rule; returns the mask and the volume after each step."""
    known = np.isfinite(pet.values)
    mask = region.on_pet(pet, 0.0) & known
    steps = [f"labels {mask.sum() * pet.voxel_ml:.1f} mL"]
    if rule.erode_mm > 0:
        mask = region.on_pet(pet, rule.erode_mm) & known
        steps.append(f"eroded by {rule.erode_mm:g} mm {mask.sum() * pet.voxel_ml:.1f} mL")
    if rule.trim_share > 0:
        mask = trim_ends(mask, rule.trim_share, pet.affine)
        steps.append(f"without top and bottom {rule.trim_share:.0%} {mask.sum() * pet.voxel_ml:.1f} mL")
    if rule.gm_threshold > 0 and grey is not None:
        mask = mask & (grey >= rule.gm_threshold)
        steps.append(f"grey matter of at least {rule.gm_threshold:.0%} {mask.sum() * pet.voxel_ml:.1f} mL")
    if rule.clean_histogram:
        mask = clean_histogram(mask, pet.values)
        steps.append(f"within the histogram's half maximum {mask.sum() * pet.voxel_ml:.1f} mL")
    return mask, (f"Reference region {rule.name}: {'; '.join(steps)}.",)


def erode_rim(mask: BoolArray, depth_mm: float, voxel_mm: FloatArray) -> BoolArray:
    """Keep voxels whose centre lies at least `depth_mm` inside the border (between voxels) of the mask."""
    if mask.all():
        return mask
    to_border = ndimage.distance_transform_edt(mask, sampling=voxel_mm) - min(voxel_mm) / 2
    return np.asarray(to_border >= depth_mm - 1e-6) & mask


def trim_ends(mask: BoolArray, share: float, affine: FloatArray) -> BoolArray:
    """Drop the top and the bottom of a mask by a share of its height (along the axis of the head, RAS z)."""
    if not mask.any():
        return mask
    where = np.argwhere(mask)
    height = where @ affine[2, :3] + affine[2, 3]
    low, high = height.min(), height.max()
    cut = share * (high - low)
    kept = where[(height >= low + cut - 1e-6) & (height <= high - cut + 1e-6)]
    trimmed = np.zeros_like(mask)
    trimmed[tuple(kept.T)] = True
    return trimmed


def clean_histogram(mask: BoolArray, intensity: FloatArray) -> BoolArray:
    """Keep voxels within the full width at half maximum of the intensity histogram (a kernel density estimate)."""
    values = intensity[mask]
    if values.size < 10 or np.ptp(values) == 0:
        return mask
    sample = values[:: max(1, values.size // 5000)]
    lowest, lower, upper, highest = np.percentile(sample, [0.5, 25, 75, 99.5])
    spread = min(np.std(sample), (upper - lower) / 1.349) or np.std(sample)
    # Silverman's rule with a robust spread: outliers, which are to go, must not widen the kernel.
    width = 0.9 * spread * sample.size**-0.2
    level = np.linspace(lowest, highest, 512)
    density = np.exp(-(((level[:, None] - sample) / width) ** 2) / 2).sum(axis=1)
    peak = int(density.argmax())
    low_half = np.flatnonzero(density[: peak + 1] < density[peak] / 2)
    high_half = np.flatnonzero(density[peak:] < density[peak] / 2)
    low = level[low_half[-1]] if low_half.size else -np.inf
    high = level[peak + high_half[0]] if high_half.size else np.inf
    return mask & (intensity > low) & (intensity < high)


def _variation(values: FloatArray) -> float:
    """Standard deviation as part of the mean; infinite where the mean is not positive."""
    mean = float(values.mean(dtype=float))
    return float(values.std(dtype=float) / mean) if mean > 0 else float("inf")


def _concern(name: str, volume_ml: float, variation: float) -> str:
    """Sentences that say why a region is doubtful: its volume and its evenness."""
    concerns = []
    if volume_ml < CONCERN_VOLUME_ML:
        concerns.append(
            f"The reference region {name} has only {volume_ml:.1f} mL (at least {CONCERN_VOLUME_ML:g} expected): "
            "its curve is noisy and every estimate with it."
        )
    if variation > CONCERN_VARIATION:
        concerns.append(
            f"The voxels of the reference region {name} vary by {variation:.0%} of their mean (at most "
            f"{CONCERN_VARIATION:.0%} expected): it may hold other tissue, or none."
        )
    return " ".join(concerns)

"""Whether two output folders hold the same results: `python -m benchmarks.compare A B`.

Images are compared voxel by voxel, transforms by their numbers, sidecars field by field, all else byte by byte. What
every run writes with its own time or command line (pages, dataset_description.json, the field CommandLine) is left out.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import nibabel as nib
import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

OWN_TO_A_RUN = (".html", "dataset_description.json", ".log")
OWN_FIELDS = {"CommandLine"}


class Difference(NamedTuple):
    """A file that is not the same, and in what."""

    name: str
    what: str


def compare_folders(first: Path, second: Path) -> Iterator[Difference]:
    """Every file that only one folder has, or whose content differs; hidden folders (work) are left out."""
    ours, theirs = _names(first), _names(second)
    for name in sorted(ours ^ theirs):
        yield Difference(name, f"only in {first if name in ours else second}")
    for name in sorted(ours & theirs):
        what = compare_files(first / name, second / name)
        if what:
            yield Difference(name, what)


def compare_files(first: Path, second: Path) -> str:
    """Say in what two files differ; empty where they say the same."""
    if first.read_bytes() == second.read_bytes():
        return ""
    if first.name.endswith((".nii", ".nii.gz")):
        return _compare_arrays(_voxels(first), _voxels(second))
    if first.suffix == ".h5":
        return _compare_arrays(_displacements(first), _displacements(second))
    if first.suffix == ".json":
        ours, theirs = json.loads(first.read_text()), json.loads(second.read_text())
        names = (ours.keys() | theirs.keys()) - OWN_FIELDS
        fields = [name for name in names if ours.get(name) != theirs.get(name)]
        return f"fields {', '.join(sorted(fields))}" if fields else ""
    return "content"


def _names(folder: Path) -> set[str]:
    names = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {
        str(name)
        for name in names
        if not any(part.startswith(".") for part in name.parts) and not name.name.endswith(OWN_TO_A_RUN)
    }


def _voxels(path: Path) -> list[NDArray[Any]]:
    image: Any = nib.load(path)
    return [np.asarray(image.affine), np.asanyarray(image.dataobj)]


def _displacements(path: Path) -> list[NDArray[Any]]:
    """Numbers of a transform, the parts of a composite one by one."""
    transform = sitk.ReadTransform(str(path))
    parts = [transform]
    if transform.GetName() == "CompositeTransform":
        composite = sitk.CompositeTransform(transform)
        parts = [composite.GetNthTransform(n) for n in range(composite.GetNumberOfTransforms())]
    return [
        sitk.GetArrayFromImage(sitk.DisplacementFieldTransform(part).GetDisplacementField())
        if part.GetName() == "DisplacementFieldTransform"
        else np.array(part.GetParameters())
        for part in parts
    ]


def _compare_arrays(first: list[NDArray[Any]], second: list[NDArray[Any]]) -> str:
    if [array.shape for array in first] != [array.shape for array in second]:
        return "shape"
    largest = max(
        float(
            np.max(
                np.abs(np.subtract(a, b, dtype=np.float64)),
                initial=0.0,
                where=np.isfinite(a) & np.isfinite(b),
            )
        )
        for a, b in zip(first, second, strict=True)
    )
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(first, second, strict=True))
    return "" if same else f"values, by up to {largest:.3g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print every difference and their number; 1 where there is one."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("first", type=Path)
    parser.add_argument("second", type=Path)
    folders = parser.parse_args(arguments)
    differences = list(compare_folders(folders.first, folders.second))
    for difference in differences:
        print(f"{difference.name}: {difference.what}")
    n_files = len(_names(folders.first) | _names(folders.second))
    print(f"{len(differences)} of {n_files} files differ")
    return int(bool(differences))


if __name__ == "__main__":
    sys.exit(main())

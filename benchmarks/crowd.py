"""Datasets of many participants, of whom few were made: what a scan costs does not hang on whose it is.

The others are hard links under other labels. Frames are joined to ten: motion is estimated of each, and nothing else
takes longer for their number.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np

# The smallest images that every step still works on.
SIZE = ("--voxel-mm", "8", "--t1w-voxel-mm", "4", "--tasks", "rejection", "--seed", "1")
DISTINCT = 4
"""Participants that are simulated; the first again from the fifth on."""
FRAME_ENDS_S = (120, 300, 600, 1200, 1800, 2400, 2700, 3600, 4800, 5400)
"""Among them the ends of the simulation's blocks."""


def make_crowd(folder: Path, n_participants: int) -> Path:
    """Make the dataset, unless it is there from an earlier run; labels are 01, 02, ..."""
    root, done = folder / f"crowd-{n_participants}", folder / f".crowd-{n_participants}"
    if done.exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    n_made = min(n_participants, DISTINCT)
    words = [sys.executable, "-m", "morbids.simulation", str(root), "--participants", str(n_made), *SIZE]
    subprocess.run(words, check=True, capture_output=True)
    shutil.rmtree(root / "derivatives")
    for image in root.glob("sub-*/pet/*_pet.nii.gz"):
        join_frames(image)
    fill_up(root, root, range(n_made + 1, n_participants + 1))
    head, *lines = (root / "participants.tsv").read_text(encoding="utf-8").splitlines()
    values = [line.split("\t", 1)[1] for line in lines]
    rows = [f"sub-{label_of(k)}\t{values[(k - 1) % n_made]}" for k in range(1, n_participants + 1)]
    (root / "participants.tsv").write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    done.touch()
    return root


def label_of(number: int) -> str:
    """01, 02, ..."""
    return f"{number:02}"


def join_frames(image: Path) -> None:
    """Join frames up to `FRAME_ENDS_S`, each mean weighted by duration."""
    sidecar = image.with_name(image.name.replace(".nii.gz", ".json"))
    content: dict[str, Any] = json.loads(sidecar.read_text(encoding="utf-8"))
    start_s, duration_s = (np.array(content[key]) for key in ("FrameTimesStart", "FrameDuration"))
    scan: Any = nib.load(image)
    values = scan.get_fdata()
    parts = [
        np.flatnonzero(np.searchsorted(FRAME_ENDS_S, start_s, side="right") == k)
        for k in range(len(FRAME_ENDS_S))
    ]
    joined = np.stack([np.average(values[..., p], axis=3, weights=duration_s[p]) for p in parts], axis=3)
    nib.save(nib.Nifti1Image(joined.astype(np.float32), scan.affine), image)
    content["FrameTimesStart"] = [float(start_s[p[0]]) for p in parts]
    content["FrameDuration"] = [float(duration_s[p].sum()) for p in parts]
    sidecar.write_text(json.dumps(content, indent=2), encoding="utf-8")


def fill_up(source: Path, target: Path, numbers: Iterable[int]) -> None:
    """Link participants under these numbers, the first `DISTINCT` of a raw or derivative dataset in turn."""
    there = [k for k in range(1, DISTINCT + 1) if (source / f"sub-{label_of(k)}").is_dir()]
    for number in numbers:
        link_as(source, label_of(there[(number - 1) % len(there)]), target, label_of(number))


def link_as(source: Path, own: str, target: Path, label: str) -> None:
    """Give the files of a participant, and the page if there is one, a second name."""
    for path in [*source.glob(f"sub-{own}.html"), *sorted((source / f"sub-{own}").rglob("*"))]:
        if path.is_file():
            place = target / str(path.relative_to(source)).replace(f"sub-{own}", f"sub-{label}")
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, place)

"""Volumes as scripts that a page loads from disk: what the interactive brain shows.

A browser reads no other file of a disk than scripts, styles and pictures, so each pack of volumes is a script that
holds one JSON object. A voxel is one byte: 0 is not known, 1 to 255 run over the range of the volume; bytes are
deflated and written in base 64. `templates/viewer.js` reads them.
"""

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from morbids.bids.writing import write_text
from morbids.imaging.images import Image, read_image
from morbids.numerics.arrays import BoolArray, FloatArray

Kind = Literal["signed", "positive", "p", "labels", "anatomy"]
Bytes = npt.NDArray[np.uint8]
# The range ends here times the 99.9th percentile at most: a single voxel must not take the steps from all others.
TAIL: Final = 4.0
# Voxels of all participants in one pack, before they are deflated: coarser grids for more of them.
PEOPLE_BYTES: Final = 1_600_000
STEPS: Final = 127
MARGIN_VOXELS: Final = 1


class Layer(NamedTuple):
    """A volume to choose from.

    Attributes
    ----------
    name
        In the menu and the readout, with its unit.
    image
        Map; NaN where nothing is known.
    kind
        `signed` around 0, `positive` from 0, `p` for probabilities, `labels` for whole numbers up to 255.
    threshold
        Of the absolute value, at first.
    """

    name: str
    image: Path
    kind: Kind
    threshold: float = 0.0


class Grid(NamedTuple):
    """A box along the axes of space, in mm: the centre of its first voxel, its steps, and numbers of voxels."""

    origin_mm: FloatArray
    step_mm: FloatArray
    shape: tuple[int, int, int]


def grid_of(image: Image, inside: BoolArray) -> Grid:
    """The smallest box along the axes of space that holds the voxels `inside`, with the image's voxel sizes.

    Where the image's axes are those of space, in any order and direction, its voxels are those of the box.
    """
    corners = np.argwhere(inside)
    ends = np.array([corners.min(axis=0) - MARGIN_VOXELS, corners.max(axis=0) + MARGIN_VOXELS])
    boxed = np.array([[ends[i][0], ends[j][1], ends[k][2]] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    world = boxed @ image.affine[:3, :3].T + image.affine[:3, 3]
    step = np.abs(image.affine[:3, :3]).max(axis=1)
    low, high = world.min(axis=0), world.max(axis=0)
    n_i, n_j, n_k = (int(number) for number in np.round((high - low) / step) + 1)
    return Grid(low, step, (n_i, n_j, n_k))


def coarser(grid: Grid, stride: int) -> Grid:
    """Every `stride`-th voxel of a grid."""
    n_i, n_j, n_k = (-(-number // stride) for number in grid.shape)
    return Grid(grid.origin_mm, grid.step_mm * stride, (n_i, n_j, n_k))


def sample_nearest(image: Image, grid: Grid) -> FloatArray:
    """Values of the voxels nearest to those of a grid; NaN outside the image."""
    to_world = np.diag([*grid.step_mm, 1.0])
    to_world[:3, 3] = grid.origin_mm
    to_voxel = np.linalg.solve(image.affine, to_world)
    return np.asarray(
        ndimage.affine_transform(
            image.values.astype(np.float32),
            to_voxel[:3, :3],
            to_voxel[:3, 3],
            output_shape=grid.shape,
            order=0,
            mode="constant",
            cval=np.nan,
        )
    )


def encode(values: FloatArray, kind: Kind) -> tuple[Bytes, float]:
    """Bytes of values of any shape, and what the largest byte stands for."""
    if kind == "labels":
        return np.nan_to_num(values).round().astype(np.uint8), 255.0
    shown = -np.log10(np.clip(values, 1e-6, 1)) if kind == "p" else values
    known = np.isfinite(shown)
    sizes = np.abs(shown[known])
    high = float(sizes.max(initial=0.0))
    if high and kind != "p":
        high = min(high, TAIL * float(np.percentile(sizes, 99.9)) or high)
    high = high or 1.0
    share = np.clip(np.nan_to_num(shown) / high, -1 if kind == "signed" else 0, 1)
    codes = np.rint(STEPS * share) + STEPS + 1 if kind == "signed" else np.rint(2 * STEPS * share) + 1
    return np.where(known, codes, 0).astype(np.uint8), high


def pack_layers(
    layers: Sequence[Layer], grid: Grid, out: Path, names: Mapping[int, str] | None = None
) -> Path:
    """Write layers as a script; `names` are those of the labels of a layer of labels."""
    volumes = []
    for layer in layers:
        codes, high = encode(sample_nearest(read_image(layer.image), grid), layer.kind)
        told = {"name": layer.name, "kind": layer.kind, "high": high, "threshold": layer.threshold}
        volumes.append(told | _describe(grid) | {"data": _deflate(codes)})
    return _write({"volumes": volumes, "names": {str(key): name for key, name in (names or {}).items()}}, out)


def pack_people(
    conditions: Sequence[str],
    images: Sequence[Path],
    people: Sequence[str],
    quantity: str,
    fine: Grid,
    out: Path,
) -> Path:
    """Write everyone's maps, on a grid that is as coarse as their number asks for.

    Parameters
    ----------
    conditions, images, people
        Names of the conditions; the maps of all people in the first condition, then in the next; their names.
    quantity
        What the maps hold.
    fine
        The finest grid.
    """
    stride = 1
    while len(images) * np.prod(coarser(fine, stride).shape) > PEOPLE_BYTES:
        stride += 1
    grid = coarser(fine, stride)
    codes, high = encode(np.stack([sample_nearest(read_image(path), grid) for path in images]), "signed")
    told = {"people": list(people), "conditions": list(conditions), "quantity": quantity}
    volume = {"kind": "signed", "high": high} | _describe(grid) | {"data": _deflate(codes)}
    return _write(told | {"volume": volume}, out)


def _describe(grid: Grid) -> dict[str, Any]:
    return {
        "origin": np.round(grid.origin_mm, 4).tolist(),
        "step": np.round(grid.step_mm, 4).tolist(),
        "shape": list(grid.shape),
    }


def _deflate(codes: Bytes) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(codes).tobytes(), 9)).decode("ascii")


def _write(pack: dict[str, Any], out: Path) -> Path:
    """The page finds a pack by the address that it is loaded from, whatever the file is called by then."""
    told = json.dumps(pack, ensure_ascii=True, separators=(",", ":"))
    write_text(out, f"(window.morbidsPacks ??= {{}})[document.currentScript.src] = {told};\n")
    return out

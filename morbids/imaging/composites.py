"""ITK transforms with deformations, in files that are small and the same whenever they are written.

ITK itself stores double precision without compression, and the time of writing: half of all that a participant leaves
on disk, and never twice the same bytes.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import h5py
import numpy as np
import SimpleITK as sitk

_LARGE = 1000
"""Parameters of a deformation; those of an affine are not worth compressing."""


def write_composite(transform: sitk.Transform, path: Path) -> Path:
    """Write an ITK transform (`.h5`) in single precision, as fMRIPrep's are: 1e-5 mm at 100 mm from the origin."""
    with TemporaryDirectory(prefix="scratch-", dir=path.parent) as folder:
        plain = Path(folder) / path.name
        sitk.WriteTransform(transform, str(plain))
        with h5py.File(plain, "r") as whole, h5py.File(path, "w", libver="earliest") as small:
            whole.visititems(lambda name, item: _copy(name, item, small))
    return path


def _copy(name: str, item: h5py.Group | h5py.Dataset, target: h5py.File) -> None:
    """Copy one entry: numbers of transforms in single precision, and the precision in their names."""
    if isinstance(item, h5py.Group):
        target.require_group(name)
        return
    values = item[()]
    if name.endswith("TransformType"):
        values = np.array([text.replace(b"_double_", b"_float_") for text in values], dtype=object)
    if name.endswith("TransformParameters"):
        values = values.astype(np.float32)
    packed = {"compression": "gzip", "shuffle": True} if np.size(values) > _LARGE else {}
    kind = h5py.string_dtype("ascii") if values.dtype == object else None
    target.create_dataset(name, data=values, dtype=kind, track_times=False, **packed)

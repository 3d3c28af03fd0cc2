"""Results of other programs (PETPrep, fMRIPrep, sMRIPrep, or an earlier morbids) that take the place of own steps.

Names are read with their entities in any order; metadata of the PET series come from the raw sidecar, since
derivatives drop fields of tracer, decay and time zero. All that is taken of one T1w image, and all that is taken of
one scan, comes from one dataset: a mask of one program need not fit the image of another.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from morbids.bids.images import check_present, read_grid
from morbids.bids.inheritance import read_json_object
from morbids.bids.names import ROLES, parse_name, scan_label, sidecar_path
from morbids.bids.sidecars import bids_uri
from morbids.errors import ExitCode, MorbidsError

TISSUE = ("dseg", "gm_probseg", "wm_probseg", "csf_probseg")
# Entities that other programs add to the name of a role.
_ALSO: Mapping[str, tuple[Mapping[str, str], ...]] = MappingProxyType(
    {
        "petref": ({"desc": "hmc"},),
        "preproc_pet": ({"desc": "mc"},),  # older PETPrep
    }
)
_TRANSFORM_EXTENSIONS = (".txt", ".h5")
_DECAY_FIELDS = ("ImageDecayCorrected", "ImageDecayCorrectionTime")
NO_ENTITIES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Dataset:
    """A derivative dataset.

    Attributes
    ----------
    folder
        Its root.
    link
        Name by which URIs call it.
    program
        What made it ("fMRIPrep 24.1.0").
    """

    folder: Path
    link: str
    program: str

    def uri(self, path: Path) -> str:
        """BIDS URI of one of its files."""
        return bids_uri(path, self.folder, self.link)


@dataclass(frozen=True)
class TakenAnatomy:
    """Anatomical derivatives of one T1w image.

    Attributes
    ----------
    dataset
        Where they are from.
    t1w, mask
        Bias-corrected head, and its brain mask where there is one.
    tissue
        Segmentation and probabilities by role, all of `TISSUE` or none.
    transforms
        Way to a template and back, by its space; only spaces with both.
    """

    dataset: Dataset
    t1w: Path
    mask: Path | None
    tissue: Mapping[str, Path]
    transforms: Mapping[str, tuple[Path, Path]]


@dataclass(frozen=True)
class TakenPet:
    """PET derivatives of one scan, in its own space.

    Attributes
    ----------
    dataset
        Where they are from.
    motion
        One transform per frame, to be applied to the raw scan: it is resampled only once.
    pet
        The corrected series, for want of `motion`.
    pet_to_t1w
        From the space of either to the T1w image of the same dataset.
    decay
        Fields on decay correction in the sidecar of `pet`; without them the raw ones hold.
    """

    dataset: Dataset
    motion: Path | None
    pet: Path | None
    pet_to_t1w: Path | None
    decay: Mapping[str, Any]


def find_anatomy(
    folders: Sequence[Path], t1w: Mapping[str, str], spaces: Sequence[str]
) -> TakenAnatomy | None:
    """Find the anatomical derivatives of a T1w image in the first dataset that has its corrected image.

    Parameters
    ----------
    folders
        Derivative datasets.
    t1w
        Entities of the raw T1w image. A derivative may lack some of them, but contradict none.
    spaces
        Templates of the transforms.

    Raises
    ------
    MorbidsError
        Two files of one dataset fit one role, a file is empty or was not fetched, or a mask or segmentation lies on
        another grid than its T1w image.
    """
    for dataset in read_datasets(folders):
        image = find_derivative(dataset.folder, "preproc_t1w", t1w)
        if image is None:
            continue
        mask = find_derivative(dataset.folder, "brain_mask", t1w)
        tissue = {role: path for role in TISSUE if (path := find_derivative(dataset.folder, role, t1w))}
        for path in (*filter(None, [mask]), *tissue.values()):
            _check_grid(path, image)
        ways = {space: _find_ways(dataset.folder, t1w, space) for space in spaces}
        return TakenAnatomy(
            dataset,
            image,
            mask,
            tissue if len(tissue) == len(TISSUE) else {},
            {space: way for space, way in ways.items() if way is not None},
        )
    return None


def find_pet(folders: Sequence[Path], scan: Mapping[str, str], n_frames: int, units: str) -> TakenPet | None:
    """Find the PET derivatives of a scan in the first dataset that has it corrected for head motion.

    Parameters
    ----------
    folders
        Derivative datasets.
    scan
        Entities of the raw scan. A derivative may lack some of them, but contradict none.
    n_frames, units
        Of the raw scan.

    Raises
    ------
    MorbidsError
        Two files of one dataset fit one role, a file is empty or was not fetched, or has another number of frames
        or another unit than the raw scan.
    """
    for dataset in read_datasets(folders):
        motion = find_derivative(dataset.folder, "motion_transforms", scan)
        pet = find_derivative(dataset.folder, "preproc_pet", scan)
        if motion is None and pet is None:
            continue
        if motion is not None:
            _check_frames(motion, _count_transforms(motion), "transforms", n_frames)
        elif pet is not None:
            _check_frames(pet, read_grid(pet).n_volumes, "volumes", n_frames)
        described = {} if pet is None or motion else _read_sidecar(pet, units)
        return TakenPet(
            dataset,
            motion,
            None if motion else pet,
            find_derivative(dataset.folder, "pet_to_t1w", scan),
            {name: described[name] for name in _DECAY_FIELDS if name in described},
        )
    return None


def find_derivative(
    folder: Path, role: str, source: Mapping[str, str], wanted: Mapping[str, str] = NO_ENTITIES
) -> Path | None:
    """Find the file of one role in one derivative dataset.

    Parameters
    ----------
    folder
        The derivative dataset.
    role
        A key of `ROLES`.
    source
        Entities of the raw image.
    wanted
        Values of the role's required entities.

    Raises
    ------
    MorbidsError
        Two files fit, or the only one is empty or was not fetched.
    """
    rule = ROLES[role]
    own = {**rule.fixed, **{key: wanted[key] for key in rule.required}}
    alternatives = (own, *({**own, **more} for more in _ALSO.get(role, ())))
    extensions = _TRANSFORM_EXTENSIONS if rule.suffix == "xfm" else (rule.extension,)
    candidates = sorted(
        path
        for path in folder.glob(f"sub-{source['sub']}/**/{rule.place}/*_{rule.suffix}.*")
        if parse_name(path).extension in extensions and _fits(path, source, alternatives)
    )
    if len(candidates) > 1:
        names = " and ".join(str(path.relative_to(folder)) for path in candidates[:2])
        raise MorbidsError(
            f"{folder} has two files that could be the {role} of {scan_label(source)}: {names}.",
            "Remove one, or give a derivative dataset with one of them.",
        )
    if not candidates:
        return None
    check_present(candidates[0])
    return candidates[0]


def read_datasets(folders: Sequence[Path]) -> tuple[Dataset, ...]:
    """Name derivative datasets after their programs, with a number where two have the same.

    Raises
    ------
    MorbidsError
        A folder is not there or has no participants, or its description cannot be read.
    """
    datasets: list[Dataset] = []
    for folder in folders:
        if not folder.is_dir():
            raise MorbidsError(
                f"The derivatives folder {folder} is not a directory.",
                "Give the root of a derivative dataset.",
                ExitCode.NO_INPUT,
            )
        if not any(folder.glob("sub-*/")):
            raise MorbidsError(
                f"The derivatives folder {folder} has no folders of participants (sub-*).",
                "Give the root of one derivative dataset, not a folder that holds several.",
                ExitCode.NO_INPUT,
            )
        program = _read_program(folder)
        stem = re.sub(r"[^a-z]", "", program.split(" ")[0].lower()) or "derivatives"
        same = sum(dataset.link.rstrip("0123456789") == stem for dataset in datasets)
        datasets.append(Dataset(folder, f"{stem}{same + 1}" if same else stem, program))
    return tuple(datasets)


def _read_program(folder: Path) -> str:
    """Program that made a dataset, and its version; the folder's name where it does not say."""
    description = folder / "dataset_description.json"
    made_by = read_json_object(description).get("GeneratedBy") if description.is_file() else None
    if not (isinstance(made_by, list) and made_by and isinstance(made_by[0], dict)):
        return folder.name
    return " ".join(str(made_by[0][key]) for key in ("Name", "Version") if made_by[0].get(key)) or folder.name


def _find_ways(folder: Path, t1w: Mapping[str, str], space: str) -> tuple[Path, Path] | None:
    """Find the transforms to a template and back."""
    there = find_derivative(folder, "t1w_to_template", t1w, {"to": space})
    back = find_derivative(folder, "template_to_t1w", t1w, {"from": space})
    return (there, back) if there is not None and back is not None else None


def _check_grid(path: Path, t1w: Path) -> None:
    found, wanted = read_grid(path), read_grid(t1w)
    if not found.same_as(wanted):
        raise MorbidsError(
            f"{path} lies on another grid than {t1w.name}: {_describe(found.shape)} and {_describe(wanted.shape)} "
            "voxels, or other places.",
            "Give the output of one run of one program, or leave this dataset out of --derivatives.",
        )


def _describe(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def _count_transforms(path: Path) -> int:
    """Count the transforms in an ITK text file; other formats hold one."""
    return path.read_text().count("#Transform ") if path.suffix == ".txt" else 1


def _check_frames(path: Path, n_found: int, what: str, n_frames: int) -> None:
    if n_found != n_frames:
        raise MorbidsError(
            f"{path} has {n_found} {what}, but the raw scan has {n_frames} frames.",
            "It was made from another version of the scan: leave this dataset out of --derivatives.",
        )


def _read_sidecar(pet: Path, units: str) -> dict[str, Any]:
    """Read the sidecar of a corrected series, which may say nothing."""
    path = sidecar_path(pet)
    described = read_json_object(path) if path.is_file() else {}
    if described.get("Units", units) != units:
        raise MorbidsError(
            f"{pet} is in {described['Units']}, the raw scan in {units}.",
            "Leave this dataset out of --derivatives, or correct the Units of one.",
        )
    return described


def _fits(path: Path, source: Mapping[str, str], alternatives: Sequence[Mapping[str, str]]) -> bool:
    """Whether a name has just the entities of a role, and beside them only entities of the raw image."""
    entities = parse_name(path).entities
    for own in alternatives:
        others = {key: value for key, value in entities.items() if key not in own}
        if own.items() <= entities.items() and others.items() <= source.items():
            return True
    return False

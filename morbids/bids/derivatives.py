"""Results of other programs (PETPrep, fMRIPrep, sMRIPrep, or an earlier morbids) that take the place of own steps.

Names are read with their entities in any order; metadata of the PET series always come from the raw sidecar, since
derivatives drop fields of tracer, decay and time zero.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from morbids.bids.images import check_present
from morbids.bids.names import ROLES, parse_name, scan_label
from morbids.errors import ExitCode, MorbidsError

ANATOMY = (
    *("preproc_t1w", "brain_mask", "dseg", "gm_probseg", "wm_probseg", "csf_probseg"),
    *("t1w_to_template", "template_to_t1w"),
)
PET = (
    "preproc_pet",
    "petref",
    "pet_brain_mask",
    "motion_transforms",
    "pet_to_t1w",
    "t1w_to_pet",
    "confounds",
)
# Entities that other programs add to the name of a role.
_ALSO: Mapping[str, tuple[Mapping[str, str], ...]] = MappingProxyType({"petref": ({"desc": "hmc"},)})
_TRANSFORM_EXTENSIONS = (".txt", ".h5")


def find_anatomy(folders: Sequence[Path], t1w: Mapping[str, str], space: str) -> dict[str, Path]:
    """Anatomical derivatives of a T1w image by role; roles without a file are left out.

    Parameters
    ----------
    folders
        Derivative datasets; the first that has a role wins.
    t1w
        Entities of the raw T1w image. A derivative may lack some of them, but contradict none.
    space
        Template of the transforms.

    Raises
    ------
    MorbidsError
        A folder is none, two files of one dataset fit one role, or a file is empty or was not fetched.
    """
    return _find(folders, ANATOMY, t1w, {"to": space, "from": space})


def find_pet(folders: Sequence[Path], scan: Mapping[str, str]) -> dict[str, Path]:
    """PET derivatives of a scan, in its own space, by role; parameters and errors as for `find_anatomy`."""
    return _find(folders, PET, scan, {})


def find_derivative(
    folder: Path, role: str, source: Mapping[str, str], wanted: Mapping[str, str]
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


def _find(
    folders: Sequence[Path], roles: Sequence[str], source: Mapping[str, str], wanted: Mapping[str, str]
) -> dict[str, Path]:
    for folder in folders:
        if not folder.is_dir():
            raise MorbidsError(
                f"The derivatives folder {folder} is not a directory.",
                "Give the root of a derivative dataset.",
                ExitCode.NO_INPUT,
            )
    found: dict[str, Path] = {}
    for role in roles:
        for folder in folders:
            path = find_derivative(folder, role, source, wanted)
            if path is not None:
                found[role] = path
                break
    return found


def _fits(path: Path, source: Mapping[str, str], alternatives: Sequence[Mapping[str, str]]) -> bool:
    """Whether a name has just the entities of a role, and beside them only entities of the raw image."""
    entities = parse_name(path).entities
    for own in alternatives:
        others = {key: value for key, value in entities.items() if key not in own}
        if own.items() <= entities.items() and others.items() <= source.items():
            return True
    return False

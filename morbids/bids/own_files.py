"""A file of each participant's own, named once for all by a pattern with wildcards."""

import glob
from collections.abc import Mapping, Sequence
from pathlib import Path

from morbids.bids.names import SCAN_ENTITIES, parse_name, scan_label
from morbids.errors import ExitCode, MorbidsError


def is_pattern(text: str) -> bool:
    """Whether a path stands for several files."""
    return glob.has_magic(text)


def find_own(pattern: str, owners: Sequence[Mapping[str, str]]) -> Path:
    """Return the file of a pattern that belongs to a scan.

    Parameters
    ----------
    pattern
        A path with wildcards, such as `freesurfer/sub-*/anat/sub-*_desc-aparcaseg_dseg.nii.gz`.
    owners
        Entities of the scan, and of the images that its anatomy comes from: a file belongs to the first of
        them whose value it has for each of its own entities sub, ses, task, trc, rec and run.

    Raises
    ------
    MorbidsError
        No file of the pattern belongs to the scan, or more than one does.
    """
    matching = [Path(path) for path in sorted(glob.glob(pattern, recursive=True))]
    for owner in owners:
        own = [path for path in matching if _belongs(path, owner)]
        if len(own) == 1:
            return own[0].absolute()
        if own:
            raise MorbidsError(
                f"{own[0]} and {own[1]} both fit {scan_label(owner)}.",
                f"Make the pattern {pattern} narrower, so that one file is left for each scan.",
                ExitCode.USAGE,
            )
    raise MorbidsError(
        f"Of {len(matching)} files that fit {pattern}, none belongs to {scan_label(owners[0])}.",
        "Check the entities in the names of the files: sub-, and ses-, task-, run- where they have one.",
        ExitCode.NO_INPUT,
    )


def _belongs(path: Path, owner: Mapping[str, str]) -> bool:
    named = parse_name(path).entities
    return "sub" in named and all(owner.get(key) == named[key] for key in SCAN_ENTITIES if key in named)

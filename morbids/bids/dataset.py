"""The files at the top of the derivative dataset: what it is, what made it, from what, and how to cite it.

Every job writes them in one step and with the same content: simultaneous jobs do not disturb each other.
"""

import importlib.metadata
import importlib.resources
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from morbids.bids.inheritance import read_json_object
from morbids.bids.names import DRAFT_SUFFIXES
from morbids.bids.writing import write_json, write_text
from morbids.errors import ExitCode, MorbidsError

BIDS_VERSION = "1.11.2"
CODE_URL = "https://github.com/morbids/morbids"
TEMPLATEFLOW_URL = "https://github.com/templateflow/templateflow"
# Set by the container image: its name and tag, and what kind of container it is.
CONTAINER_TAG_VARIABLE = "MORBIDS_CONTAINER_TAG"
# A pattern that ends in a slash does not hide what is in the folder.
_IGNORED = ("*.html", "CITATION.bib", "figures", "group", "logs")
# Names of the draft whose suffix is released for others. The validator understands few stars in a pattern.
_DRAFT_NAMES = ("**/pet/*_mask.*", "**/pet/*_dseg.*", "*_pvc-*")
# Of the raw description: what holds for the derivatives too, and what tells where the data came from.
_SHARED = ("Authors", "License", "Funding", "EthicsApprovals")
_OF_SOURCE = {"DOI": "DatasetDOI", "Version": "DatasetVersion"}
NO_LINKS: Mapping[str, Path] = MappingProxyType({})
_README = """\
# morbids derivatives

Receptor availability from dynamic PET, made by morbids {version} from the dataset "{name}".

- `sub-*/[ses-*/]anat/`: the T1w image without bias field, brain mask, tissue, transforms to the template.
- `sub-*/[ses-*/]pet/`: the motion-corrected PET series, transforms, curves of regions (`_tacs.tsv`), regional
  parameters (`_kinpar.tsv`) and maps of parameters (`_mimap.nii.gz`) of every window, and their differences
  (baseline minus challenge: positive where binding fell).
- `sub-*.html`: one page per participant. `group.html` and `group/`: maps, clusters and tables of the group.

Names that no released BIDS schema holds yet follow the draft BEP023 and are listed in `.bidsignore`.
"""


def write_dataset_files(output_dir: Path, bids_dir: Path, links: Mapping[str, Path] = NO_LINKS) -> None:
    """Write dataset_description.json, README.md, .bidsignore and CITATION.bib.

    Parameters
    ----------
    output_dir
        The derivative dataset.
    bids_dir
        The raw dataset that it is made from.
    links
        Further datasets that it is made from, by the name that URIs in `Sources` call them.

    Raises
    ------
    MorbidsError
        The raw description cannot be read, or the output directory cannot be written to.
    """
    raw = read_json_object(bids_dir / "dataset_description.json")
    description = dataset_description(raw, bids_dir, os.environ)
    places = {"raw": bids_dir, **links}
    description["SourceDatasets"][0]["URL"] = _link(bids_dir, output_dir)
    description["DatasetLinks"] |= {name: _link(folder, output_dir) for name, folder in places.items()}
    write_json(output_dir / "dataset_description.json", description)
    readme = _README.format(version=morbids_version(), name=raw.get("Name", bids_dir.name))
    write_text(output_dir / "README.md", readme)
    write_text(output_dir / ".bidsignore", bidsignore())
    references = importlib.resources.files("morbids") / "data" / "references.bib"
    write_text(output_dir / "CITATION.bib", references.read_text(encoding="utf-8"))


def dataset_name(bids_dir: Path) -> str:
    """What a dataset calls itself, which pages are titled with; its folder's name where it says nothing.

    Raises
    ------
    MorbidsError
        The description cannot be read.
    """
    return str(read_json_object(bids_dir / "dataset_description.json").get("Name") or bids_dir.name)


def check_output(output_dir: Path, bids_dir: Path) -> None:
    """Refuse to mix results with those of another program or another dataset.

    Judged by what the folder holds, not by paths: the same dataset has other paths in a container.

    Raises
    ------
    MorbidsError
        Its description names another program or dataset, or it has folders of participants and no description.
    """
    file = output_dir / "dataset_description.json"
    if not file.is_file():
        foreign = sorted(path.name for path in output_dir.glob("sub-*") if path.is_dir())
        if foreign and not any(output_dir.glob("sub-*/**/*_mimap.nii.gz")):
            raise _not_own(output_dir, f"has folders of participants ({foreign[0]}) and no description")
        return
    found = read_json_object(file)
    made_by = found.get("GeneratedBy")
    programs = (
        [one.get("Name") for one in made_by if isinstance(one, dict)] if isinstance(made_by, list) else []
    )
    if "morbids" not in programs:
        raise _not_own(
            output_dir, f"holds {found.get('Name') or 'data'!r} of {programs[0] if programs else 'raw data'}"
        )
    raw = read_json_object(bids_dir / "dataset_description.json")
    expected = dataset_description(raw, bids_dir, {})["Name"]
    if raw.get("Name") and found.get("Name") not in (None, expected):
        raise _not_own(output_dir, f"holds {found['Name']!r}, and the dataset is {raw['Name']!r}")


def _not_own(output_dir: Path, fault: str) -> MorbidsError:
    return MorbidsError(
        f"The output directory {output_dir} {fault}.",
        "Give a folder of its own for each dataset, or a new one; if it is of this dataset, which was renamed, correct "
        "the Name in its dataset_description.json.",
        ExitCode.USAGE,
    )


def dataset_description(
    raw: Mapping[str, Any], bids_dir: Path, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Contents of dataset_description.json; `environment` tells of the container that the program runs in."""
    generated: dict[str, Any] = {"Name": "morbids", "Version": morbids_version(), "CodeURL": CODE_URL}
    if environment.get(CONTAINER_TAG_VARIABLE):
        singularity = "SINGULARITY_NAME" in environment or "APPTAINER_NAME" in environment
        generated["Container"] = {
            "Type": "singularity" if singularity else "docker",
            "Tag": environment[CONTAINER_TAG_VARIABLE],
        }
    source = {key: str(raw[told]) for key, told in _OF_SOURCE.items() if raw.get(told)}
    return {
        "Name": f"morbids - receptor availability of {raw.get('Name', bids_dir.name)}",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [generated],
        "SourceDatasets": [source],
        "DatasetLinks": {"templateflow": TEMPLATEFLOW_URL},
        **{key: raw[key] for key in _SHARED if raw.get(key)},
        "HowToAcknowledge": "Cite the methods that were used; CITATION.bib holds their references.",
    }


def _link(dataset: Path, output_dir: Path) -> str:
    """Where a dataset is: relative where both lie in one folder, which may be moved as a whole; else a URI."""
    there, here = dataset.absolute(), output_dir.absolute()
    if len(Path(os.path.commonpath((there, here))).parts) > 1:
        return os.path.relpath(there, here).replace(os.sep, "/")
    return there.as_uri()


def bidsignore() -> str:
    """Contents of .bidsignore: pages, figures, the group's folder, and every draft suffix."""
    return "\n".join((*_IGNORED, *_DRAFT_NAMES, *(f"*_{suffix}.*" for suffix in DRAFT_SUFFIXES))) + "\n"


@cache
def morbids_version() -> str:
    """Version of the installed program: every sidecar of a graph names it, and finding it reads files."""
    return importlib.metadata.version("morbids")

"""The name of every output, and how BIDS names are read: no other module writes `sub-` or an underscore.

A *role* is what a file is to the program ("brain_mask"); `ROLES` says where it goes and what it is called.
Suffixes and entities that no released BIDS schema holds yet (BEP023, February 2026) are in `DRAFT_SUFFIXES`
and `DRAFT_ENTITIES`, so that `.bidsignore` and the extended schema of the tests are made from the same lists.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal, NamedTuple

from morbids.errors import ExitCode, MorbidsError

# Entities of the raw scan; the others say what was made of it.
SCAN_ENTITIES = ("sub", "ses", "task", "trc", "rec", "run")
Place = Literal["anat", "pet", "figures", "participant", "group", "group_figures", "top"]

DRAFT_ENTITIES = ("from", "to", "mode", "pvc", "model", "meas", "contrast", "stat")
DRAFT_SUFFIXES = (
    "clusters",
    "correlations",
    "design",
    "kinpar",
    "metrics",
    "mimap",
    "petref",
    "regions",
    "rows",
    "statmap",
    "tacs",
    "timeseries",
    "xfm",
)
# The order of the BIDS schema, with the draft entities before `desc`, which is always the last.
ENTITY_ORDER = (
    *("sub", "tpl", "ses", "cohort", "sample", "task", "tracksys", "acq", "nuc", "voi", "ce", "trc", "stain"),
    *("rec", "dir", "run", "mod", "echo", "flip", "inv", "mt", "part", "proc", "hemi", "space", "split"),
    *("recording", "chunk", "atlas", "seg", "scale", "res", "den", "label"),
    *DRAFT_ENTITIES,
    "desc",
)
ENTITY_LABEL = re.compile(r"[A-Za-z0-9+]+")
_DIFFERENCE = re.compile(
    r"(?P<baseline>[A-Za-z0-9+]+?)Minus(?P<challenge>[A-Z0-9][A-Za-z0-9+]*?)(?P<percent>Percent)?"
)


class Role(NamedTuple):
    """Where an output goes and what it is called.

    Attributes
    ----------
    place
        Datatype folder of the participant (`anat`, `pet`), `figures`, the participant's page, the group
        model's folder, or the top of the dataset.
    suffix, extension
        Last part of the name.
    fixed
        Entities with a value that never changes.
    required, optional
        Entities whose value the caller gives, beside those of the scan or T1w image that it is made of.
    """

    place: Place
    suffix: str
    extension: str
    fixed: Mapping[str, str] = MappingProxyType({})
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


class ParsedName(NamedTuple):
    """A BIDS file name taken apart; entity values as written (`run-001` stays `001`)."""

    entities: dict[str, str]
    suffix: str
    extension: str


class Difference(NamedTuple):
    """What `difference_label` puts together; the first letter of the challenge is a capital one."""

    baseline: str
    challenge: str
    percent: bool


def _xfm(source: str | None, target: str | None, extension: str, place: Place) -> Role:
    """Role of a transform that brings images of `source` onto `target`; None = the caller names the space."""
    ends = {"from": source, "to": target}
    fixed = {key: value for key, value in ends.items() if value is not None} | {"mode": "image"}
    required = tuple(key for key, value in ends.items() if value is None)
    return Role(place, "xfm", extension, fixed, required)


_NIFTI = ".nii.gz"
_IN_SPACE = ("space", "res")

ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "preproc_t1w": Role("anat", "T1w", _NIFTI, {"desc": "preproc"}),
        "brain_mask": Role("anat", "mask", _NIFTI, {"desc": "brain"}, optional=_IN_SPACE),
        "dseg": Role("anat", "dseg", _NIFTI, optional=_IN_SPACE),
        "gm_probseg": Role("anat", "probseg", _NIFTI, {"label": "GM"}, optional=_IN_SPACE),
        "wm_probseg": Role("anat", "probseg", _NIFTI, {"label": "WM"}, optional=_IN_SPACE),
        "csf_probseg": Role("anat", "probseg", _NIFTI, {"label": "CSF"}, optional=_IN_SPACE),
        "t1w_in_template": Role("anat", "T1w", _NIFTI, {"desc": "preproc"}, ("space",), ("res",)),
        "t1w_to_template": _xfm("T1w", None, ".h5", "anat"),
        "template_to_t1w": _xfm(None, "T1w", ".h5", "anat"),
        "preproc_pet": Role("pet", "pet", _NIFTI, {"desc": "preproc"}, optional=_IN_SPACE),
        "corrected_pet": Role("pet", "pet", _NIFTI, {"desc": "preproc"}, ("pvc",)),
        "petref": Role("pet", "petref", _NIFTI, optional=_IN_SPACE),
        "pet_brain_mask": Role("pet", "mask", _NIFTI, {"desc": "brain"}, optional=_IN_SPACE),
        "confounds": Role("pet", "timeseries", ".tsv", {"desc": "confounds"}),
        "motion_transforms": _xfm("orig", "petref", ".txt", "pet"),
        "pet_to_t1w": _xfm("petref", "T1w", ".txt", "pet"),
        "t1w_to_pet": _xfm("T1w", "petref", ".txt", "pet"),
        "pet_to_template": _xfm("petref", None, ".h5", "pet"),
        "template_to_pet": _xfm(None, "petref", ".h5", "pet"),
        "pet_dseg": Role("pet", "dseg", _NIFTI, required=("seg",)),
        "pet_dseg_table": Role("pet", "dseg", ".tsv", required=("seg",)),
        "region_curves": Role("pet", "tacs", ".tsv", {"desc": "preproc"}, ("seg",), ("pvc",)),
        "reference_curve": Role("pet", "tacs", ".tsv", {"desc": "reference"}, ("label",), ("pvc",)),
        "reference_mask": Role("pet", "mask", _NIFTI, {"desc": "reference"}, ("label",)),
        "kinpar": Role("pet", "kinpar", ".tsv", required=("model",), optional=("seg", "pvc", "desc")),
        "parametric_map": Role(
            "pet", "mimap", _NIFTI, required=("model", "meas"), optional=(*_IN_SPACE, "pvc", "desc")
        ),
        "difference_map": Role(
            "pet", "mimap", _NIFTI, required=("model", "meas", "desc"), optional=(*_IN_SPACE, "pvc")
        ),
        "quality": Role("pet", "metrics", ".tsv", {"desc": "quality"}),
        "calibration": Role("pet", "metrics", ".tsv", {"desc": "calibration"}),
        "null_range": Role("pet", "metrics", ".tsv", {"desc": "nullrange"}),
        "pet_figure": Role("figures", "pet", ".svg", required=("desc",), optional=("model", "meas")),
        "pet_picture": Role("figures", "pet", ".png", required=("desc",), optional=("model", "meas")),
        "t1w_figure": Role("figures", "T1w", ".svg", required=("desc",), optional=("space",)),
        "t1w_picture": Role("figures", "T1w", ".png", required=("desc",), optional=("space",)),
        "participant_page": Role("participant", "", ".html"),
        "participant_references": Role("figures", "references", ".bib"),
        "statistical_map": Role(
            "group", "statmap", _NIFTI, required=("contrast", "stat"), optional=("label",)
        ),
        "clusters": Role("group", "clusters", ".tsv", {}, ("contrast",), ("stat", "label")),
        "regions": Role("group", "regions", ".tsv", optional=("contrast", "desc")),
        "correlations": Role("group", "correlations", ".tsv", optional=("contrast", "desc")),
        "group_calibration": Role(
            "group", "metrics", ".tsv", {"desc": "calibration"}, optional=("contrast",)
        ),
        "influence": Role("group", "metrics", ".tsv", {"desc": "influence"}, optional=("contrast",)),
        "claims": Role("group", "metrics", ".tsv", {"desc": "claims"}),
        "evidence": Role("group", "metrics", ".tsv", {"desc": "evidence"}, optional=("contrast",)),
        "group_quality": Role("group", "metrics", ".tsv", {"desc": "quality"}),
        "design": Role("group", "design", ".tsv", optional=("contrast",)),
        "rows": Role("group", "rows", ".tsv"),
        "group_mask": Role("group", "mask", _NIFTI, {"desc": "analysis"}, optional=("contrast",)),
        "claimed_mask": Role("group", "mask", _NIFTI, {"desc": "claimed"}, optional=("contrast",)),
        "group_figure": Role(
            "group_figures", "statmap", ".svg", required=("desc",), optional=("contrast", "stat")
        ),
        "group_picture": Role(
            "group_figures", "statmap", ".png", required=("desc",), optional=("contrast", "stat")
        ),
        "group_pack": Role("group_figures", "statmap", ".js", required=("desc",), optional=("contrast",)),
        "group_references": Role("group_figures", "references", ".bib"),
        "pet_pack": Role("figures", "pet", ".js", required=("desc",)),
        "group_page": Role("top", "group", ".html"),
        "index_page": Role("top", "index", ".html"),
    }
)


# What neither the group level nor any page reads: large images, transforms the other way round, and others that a run
# can make again. `t1w_to_template` stays: its sidecar holds how well the registration went.
FULL_ONLY = frozenset(
    {
        *("gm_probseg", "wm_probseg", "csf_probseg", "t1w_in_template", "template_to_t1w"),
        *("preproc_pet", "corrected_pet", "motion_transforms", "t1w_to_pet"),
    }
)


def parse_name(path: Path | str) -> ParsedName:
    """Take a BIDS file name apart, whatever the order of its entities."""
    name = Path(path).name
    stem, dot, extension = name.partition(".")
    parts = stem.split("_")
    entities = dict(part.split("-", 1) for part in parts if "-" in part)
    suffix = parts[-1] if "-" not in parts[-1] else ""
    return ParsedName(entities, suffix, dot + extension)


def scan_entities(entities: Mapping[str, str]) -> dict[str, str]:
    """Entities of the raw scan that a derivative is made of."""
    return {key: entities[key] for key in SCAN_ENTITIES if key in entities}


def scan_label(entities: Mapping[str, str]) -> str:
    """Name of a scan as its files carry it: `sub-01_task-rejection`."""
    ordered = sorted(entities, key=_entity_rank)
    return "_".join(f"{key}-{entities[key]}" for key in ordered)


def stat_label(statistic: str) -> str:
    """Value of `stat-` of a statistic that is called so in tables and on pages."""
    return "".join(filter(str.isalnum, statistic))


def entity_label(text: str) -> str:
    """Make an entity value of free text, in camel case: `social rejection` becomes `socialRejection`.

    Raises
    ------
    MorbidsError
        Nothing of the text can stand in a file name.
    """
    words: list[str] = re.findall(r"[A-Za-z0-9]+", text)
    if not words:
        raise MorbidsError(
            f"The name '{text}' has no letter or digit, so no file can be named after it.",
            "Give it a name of letters and digits.",
            ExitCode.USAGE,
        )
    return words[0] + "".join(word[0].upper() + word[1:] for word in words[1:])


def capitalised(label: str) -> str:
    """Begin a label with a capital letter, as the later words of a camel case name do."""
    return label[:1].upper() + label[1:]


def difference_label(baseline: str, challenge: str, *, percent: bool = False) -> str:
    """Entity `desc` of the map baseline minus challenge, or of the same in percent of baseline."""
    return f"{baseline}Minus{capitalised(challenge)}" + ("Percent" if percent else "")


def parse_difference_label(label: str) -> Difference | None:
    """Windows of a difference map by its `desc` entity; None when it is the entity of another map."""
    match = _DIFFERENCE.fullmatch(label)
    if match is None:
        return None
    return Difference(match["baseline"], match["challenge"], match["percent"] is not None)


def strip_prefix(label: str, entity: str) -> str:
    """Label without its entity: `sub-01` and `01` are the same participant."""
    return label.removeprefix(f"{entity}-")


def output_path(
    root: Path, source: Mapping[str, str], role: str, entities: Mapping[str, str] | None = None
) -> Path:
    """Path of an output below the derivative dataset `root`.

    Parameters
    ----------
    root
        The derivative dataset.
    source
        Entities of the scan or T1w image that the file is made of; empty for group outputs.
    role
        A key of `ROLES`.
    entities
        Values of the role's required and optional entities; group outputs also take `model`, their folder.

    Raises
    ------
    MorbidsError
        An entity is missing, not the role's, or has a value that cannot stand in a file name.
    """
    chosen = ROLES[role]
    given = dict(entities or {})
    folder = root / _folder(chosen.place, source, given)
    _check_entities(role, chosen, given)
    named = {**source, **chosen.fixed, **given}
    if chosen.place == "participant":
        named = {"sub": source["sub"]}
    for key, value in named.items():
        if not ENTITY_LABEL.fullmatch(value):
            raise MorbidsError(
                f"The value '{value}' of {key}- cannot stand in a file name ({role}).",
                "Only letters and digits can.",
                ExitCode.USAGE,
            )
    stem = "_".join(part for part in (scan_label(named), chosen.suffix) if part)
    return folder / f"{stem}{chosen.extension}"


def sidecar_path(path: Path) -> Path:
    """The JSON beside an image, table or transform."""
    return path.with_name(path.name.partition(".")[0] + ".json")


def _entity_rank(key: str) -> int:
    """Place of an entity in a name; unknown ones stand before `desc`."""
    return ENTITY_ORDER.index(key) if key in ENTITY_ORDER else len(ENTITY_ORDER) - 2


def _folder(place: Place, source: Mapping[str, str], given: dict[str, str]) -> Path:
    """Folder of a place, relative to the dataset; takes the model's name out of `given` for group outputs."""
    if place in ("top", "participant"):
        return Path()
    if place in ("group", "group_figures"):
        model = Path("group") / f"model-{entity_label(given.pop('model', ''))}"
        return model / "figures" if place == "group_figures" else model
    subject = Path(f"sub-{source['sub']}")
    if place == "figures":
        return subject / "figures"
    return subject / (f"ses-{source['ses']}" if "ses" in source else "") / place


def _check_entities(role: str, chosen: Role, given: Mapping[str, str]) -> None:
    """Refuse missing and foreign entities: a silent one would make two outputs share a name."""
    missing = [key for key in chosen.required if key not in given]
    foreign = [key for key in given if key not in (*chosen.required, *chosen.optional)]
    if missing or foreign:
        raise MorbidsError(
            f"The output '{role}' "
            + " and ".join(
                part
                for part in (
                    f"needs a value for {', '.join(missing)}" if missing else "",
                    f"has no entity {', '.join(foreign)}" if foreign else "",
                )
                if part
            )
            + ".",
            f"It takes {', '.join((*chosen.required, *chosen.optional)) or 'none'}.",
            ExitCode.USAGE,
        )

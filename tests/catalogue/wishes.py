"""Cases of options and of the whole dataset: what no scan can be analysed with."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from morbids.bids.filters import Filters
from morbids.bids.windows import Window
from morbids.errors import ExitCode
from tests.bids.conftest import DatasetMaker
from tests.catalogue.case import BAD, GOOD, STEM, Case, wish

# The good scan is the first that a sentence of all scans names.
FIRST = f"sub-{GOOD}/pet/sub-{GOOD}_task-rejection_pet.nii.gz"
BAD_DATA, NO_INPUT = ExitCode.BAD_DATA, ExitCode.NO_INPUT
A, B = Window("a", 10, 40), Window("b", 45, 90)

WINDOWS = (
    wish("windows that share frames", "share 1 frames, from frame 7 on", FIRST, BAD_DATA,
         windows=(A, Window("b", 30, 90))),
    wish("two windows of one range", "share 8 frames, from frame 5 on", FIRST, BAD_DATA,
         windows=(Window("a", 10, 90), Window("b", 10, 90))),
    wish("a window in seconds", "window 's' (600.0 to 2400.0 min from injection) lies outside", FIRST, BAD_DATA,
         windows=(Window("s", 600, 2400),)),
    wish("a window before t*", "window 'a' (0.0 to 8.0 min from injection) lies outside", FIRST, BAD_DATA,
         windows=(Window("a", 0, 8),)),
    wish("a window of two frames", "has 2 frames by mid-time; at least 3", FIRST, BAD_DATA,
         windows=(Window("a", 40, 60),)),
    wish("two windows of one name", "Two windows are named 'a'", windows=(A, Window("a", 45, 90))),
    wish("windows by time and by name", "Both --window and --window-events (baseline)", windows=(A,),
         window_events=("baseline",)),
    wish("a row of events that is not there", "has no row 'pian'; it has baseline, rejection", FIRST, BAD_DATA,
         window_events=("pian",)),
    wish("windows for a model of the whole scan", "SRTM fits the whole scan, so it has no --window", model="SRTM",
         windows=(A, B)),
    wish("one window for a step model", "needs a baseline and one challenge", FIRST, model="StepChange", windows=(A,)),
)  # fmt: skip

KINETICS = (
    wish("a model that is not there", "There is no model 'Loogan'", model="Loogan"),
    wish("no k2' for a model that needs it", "--k2prime none leaves k2' out", model="MRTM2", k2_prime_per_min="none"),
    wish("finding t* for a model without Logan plot", "--t-star find looks at the Logan plot", model="SRTM",
         t_star_min="find"),
    wish("plasma input without blood", "2TCM is driven by plasma, and the scan has no samples", FIRST, BAD_DATA,
         model="2TCM"),
    wish("a share of blood for a reference region", "has no --blood-delay, --blood-volume or --parent-fraction", FIRST,
         blood_volume=0.05),
    wish("a reference region that is not there", "There is no reference region 'pons'", reference="pons"),
    wish("an atlas that is not there", "There is no atlas 'Brodmann'", atlases=("Brodmann",)),
    wish("a label image that is not there", "nowhere_dseg.nii.gz does not exist", "", NO_INPUT,
         atlases=("nowhere_dseg.nii.gz",)),
    wish("a pattern of masks that fits nobody", "none belongs to sub-", "", NO_INPUT,
         reference="nowhere/sub-*_mask.nii.gz"),
    wish("a pattern of atlases that fits nobody", "none belongs to sub-", "", NO_INPUT,
         atlases=("nowhere/sub-*_dseg.nii.gz",)),
)  # fmt: skip


def _text(path: str, content: str) -> Callable[[DatasetMaker], None]:
    def damage(dataset: DatasetMaker) -> None:
        dataset.text(path, content)

    return damage


def _without(pattern: str) -> Callable[[DatasetMaker], None]:
    def damage(dataset: DatasetMaker) -> None:
        for path in sorted(dataset.root.glob(pattern)):
            path.unlink()

    return damage


DESCRIPTION = "dataset_description.json"
NOBODY = Filters(participant_labels=("09",))
FILTER = Filters(bids_filter_file=Path("filter.json"))
OWN = '{"Name": "morbids - receptor availability of B", "GeneratedBy": [{"Name": "morbids"}]}'
OTHER = '{"Name": "fMRIPrep", "GeneratedBy": [{"Name": "fMRIPrep"}]}'

DATASET = tuple(
    replace(case, stops=True)
    for case in (
        Case("no description", "has no dataset_description.json", "raw", _without(DESCRIPTION), ExitCode.INVALID_BIDS),
        Case("a description that is not JSON", "is not valid JSON", DESCRIPTION, _text(DESCRIPTION, "{,}"),
             ExitCode.INVALID_BIDS),
        Case("a description that is a list", "holds no JSON object", DESCRIPTION, _text(DESCRIPTION, "[]"),
             ExitCode.INVALID_BIDS),
        Case("results of a program as the dataset", "has the DatasetType 'derivative'", "raw",
             _text(DESCRIPTION, '{"Name": "x", "DatasetType": "derivative"}'), ExitCode.NO_INPUT),
        Case("no PET", "has no PET image", "raw", _without("sub-*/pet/*_pet.nii.gz"), ExitCode.NO_INPUT),
        Case("a participant that is not there", "has no participant 09.", "raw",
             exit_code=ExitCode.NOTHING_SELECTED, filters=NOBODY),
        Case("a task that is not there", "No PET image has task-rest", "", exit_code=ExitCode.NOTHING_SELECTED,
             filters=Filters(task_labels=("rest",))),
        Case("a session that is not there", "No PET image has ses-x", "", exit_code=ExitCode.NOTHING_SELECTED,
             filters=Filters(session_labels=("x",))),
        Case("a filter that is not JSON", "filter.json is not valid JSON", "", _text("../filter.json", "{"),
             ExitCode.USAGE, filters=FILTER),
        Case("a filter that is not there", "filter.json does not exist", "", exit_code=ExitCode.USAGE, filters=FILTER),
        Case("a filter of unknown images", "has the entry 'pett'", "", _text("../filter.json", '{"pett": {}}'),
             ExitCode.USAGE, filters=FILTER),
        Case("a filter of unknown entities", "asks for 'colour'", "",
             _text("../filter.json", '{"pet": {"colour": "x"}}'), ExitCode.USAGE, filters=FILTER),
        Case("derivatives that are not there", "petprep is not a directory", "", exit_code=ExitCode.NO_INPUT,
             derivatives=("petprep",)),
        Case("a folder of several derivatives", "has no folders of participants (sub-*)", "",
             _text("../derivatives/petprep/sub-02/x", ""), NO_INPUT, derivatives=("derivatives",)),
        Case("derivatives that are the output", "out is the output directory", "",
             _text("../out/sub-02/x_mimap.nii.gz", ""), ExitCode.USAGE, derivatives=("out",)),
        Case("an output of another program", "out holds 'fMRIPrep' of fMRIPrep", "",
             _text("../out/" + DESCRIPTION, OTHER), ExitCode.USAGE),
        Case("an output of another dataset", "and the dataset is 'Tiny'", "", _text("../out/" + DESCRIPTION, OWN),
             ExitCode.USAGE),
        Case("an output with somebody's participants", "has folders of participants (sub-02)", "",
             _text("../out/sub-02/anat/x", ""), ExitCode.USAGE),
    )
)  # fmt: skip


def _twice(dataset: DatasetMaker) -> None:
    for run in ("", "_desc-hmc"):
        dataset.image(
            f"../petprep/{STEM}{run}_desc-preproc_pet.nii.gz".replace("_desc-hmc_desc", "_desc"), 12
        )
    dataset.image(f"../petprep/sub-{BAD}/ses-x/pet/sub-{BAD}_task-rejection_desc-preproc_pet.nii.gz", 12)


def _other_frames(dataset: DatasetMaker) -> None:
    dataset.image(f"../petprep/{STEM}_desc-preproc_pet.nii.gz", 11)


def _empty(dataset: DatasetMaker) -> None:
    dataset.text(f"../petprep/{STEM}_desc-preproc_pet.nii.gz", "")


DERIVATIVES = (
    Case("two files for one role", "has two files that could be the preproc_pet", "petprep", _twice,
         derivatives=("petprep",)),
    Case("corrected frames of another scan", "has 11 volumes, but the raw scan has 12 frames", "petprep", _other_frames,
         derivatives=("petprep",)),
    Case("corrected frames that are empty", "is empty (0 bytes)", "petprep", _empty, derivatives=("petprep",)),
)  # fmt: skip

CASES: tuple[Case, ...] = (*WINDOWS, *KINETICS, *DATASET, *DERIVATIVES)

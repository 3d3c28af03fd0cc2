"""Cases of what a scan holds beside its time axis: administration, tracer, events, windows, files, images, names."""

import gzip
import os
from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np

from morbids.bids.filters import Filters
from morbids.errors import ExitCode
from tests.bids.conftest import DatasetMaker
from tests.catalogue.case import (
    ANNEX,
    BAD,
    EVENTS,
    PET,
    SIDECAR,
    T1W,
    Case,
    Damage,
    content,
    events,
    link,
    renamed,
    sidecar,
)

INFUSION = {"ModeOfAdministration": "bolus-infusion", "InfusionRadioactivity": 250}
VOLUME = {**INFUSION, "InjectedVolume": 20, "InfusionSpeed": 10, "InfusionSpeedUnits": "mL/h"}
HEAD = "onset\tduration\ttrial_type\n"

ADMINISTRATION = (
    sidecar("InfusionStart in words", "InfusionStart is 'noon'", **INFUSION, InfusionStart="noon", InjectionEnd=5400),
    sidecar("an infusion that ends before it starts", "InjectionEnd is 60 s, not after InfusionStart at 600 s",
            **INFUSION, InfusionStart=600, InjectionEnd=60),
    sidecar("InjectionEnd in words", "InjectionEnd is 'late'", **INFUSION, InjectionEnd="late"),
    sidecar("a negative infusion", "InfusionRadioactivity is -250", **INFUSION | {"InfusionRadioactivity": -250}),
    sidecar("InfusionRadioactivity in words", "InfusionRadioactivity is 'half'",
            **INFUSION | {"InfusionRadioactivity": "half"}),
    sidecar("a negative dose", "InjectedRadioactivity is -1", **INFUSION, InjectedRadioactivity=-1),
    sidecar("a speed in words", "InfusionSpeed is '10 mL/h'", **VOLUME | {"InfusionSpeed": "10 mL/h"}),
    sidecar("an infusion of a day", "make an infusion of 6e+05 min", **VOLUME | {"InfusionSpeed": 0.001}),
)  # fmt: skip


def _dose(name: str, value: object, sentence: str) -> Case:
    """A case of a dose, which events would come before."""

    def damage(dataset: DatasetMaker) -> None:
        dataset.metadata(SIDECAR, PharmaceuticalDoseTime=value)
        (dataset.root / EVENTS).unlink()

    return Case(name, sentence, damage=damage)


DOSE = (
    _dose("a dose at a clock time", "10:45:00", "PharmaceuticalDoseTime is '10:45:00'"),
    _dose("a dose that is true", True, "PharmaceuticalDoseTime is True"),
    _dose("a dose that is an empty list", [], "PharmaceuticalDoseTime is []"),
    _dose("a dose with a text in it", [2700, "end"], "PharmaceuticalDoseTime is [2700, 'end']"),
)

TRACER = tuple(
    replace(case, exit_code=ExitCode.USAGE)
    for case in (
        sidecar(
            "a tracer without preset",
            "'novelty' has no preset with a value for --model",
            TracerName="novelty",
        ),
        sidecar(
            "no tracer", "a scan without TracerName has no preset with a value for --model", TracerName=None
        ),
        sidecar("a tracer that is a number", "the tracer '11' has no preset", TracerName=11),
        sidecar(
            "a tracer that is a list", "has no preset with a value for --model", TracerName=["carfentanil x"]
        ),
    )
)


def _pipe(dataset: DatasetMaker) -> None:
    (dataset.root / EVENTS).unlink()
    os.mkfifo(dataset.root / EVENTS)


EVENT_FILES = (
    events("events in ms", HEAD + "600000\t1800000\tbase\n", "its events.tsv has rows from 600000 to 2.4e+06 s"),
    events("events in minutes", HEAD + "10\t30\tbase\n45\t45\tpain\n", "onset and duration look like minutes"),
    events("events that overlap", HEAD + "600\t3000\tbase\n2700\t2700\tpain\n",
           "the windows 'base' (10 to 60 min) and 'pain' (45 to 90 min) share"),
    events("blocks that are too short", HEAD + "0\t300\ta\n2400\t300\tb\n", "none of them has 3 frames by mid-time"),
    events("an onset in words", HEAD + "start\t1800\tbase\n", "column onset holds 'start'", EVENTS),
    events("an onset that is missing", HEAD + "n/a\t1800\tbase\n", "an onset is missing", EVENTS),
    events("a duration in words", HEAD + "600\tlong\tbase\n", "column duration holds 'long'", EVENTS),
    events("a negative duration", HEAD + "600\t-30\tbase\n", "a duration is -30 s", EVENTS),
    events("no column onset", "time\tduration\n1\t2\n", "has no column 'onset'", EVENTS),
    events("events parted by commas", "onset,duration,trial_type\n1,2,a\n", "is separated by commas", EVENTS),
    events("an empty events file", "", "is empty", EVENTS),
    events("rows with more cells than names", HEAD + "1\t2\ta\tb\n", "rows with more cells", EVENTS),
)  # fmt: skip


def _image(path: str, shape: tuple[int, ...]) -> Damage:
    def damage(dataset: DatasetMaker) -> None:
        nib.save(nib.Nifti1Image(np.ones(shape, np.float32), np.eye(4)), dataset.root / path)

    return damage


def _huge(dataset: DatasetMaker) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((1200, 1200, 1200))
    header.set_data_dtype("float32")
    (dataset.root / T1W).write_bytes(gzip.compress(header.binaryblock + bytes(4)))


def _truncated(dataset: DatasetMaker) -> None:
    whole = dataset.root / PET
    plain = gzip.decompress(whole.read_bytes())
    whole.unlink()
    whole.with_name(whole.name.removesuffix(".gz")).write_bytes(plain[:-100])


def _plain_twin(dataset: DatasetMaker) -> None:
    whole = dataset.root / PET
    whole.with_name(whole.name.removesuffix(".gz")).write_bytes(gzip.decompress(whole.read_bytes()))


def _gz_as_nii(dataset: DatasetMaker) -> None:
    (dataset.root / PET).rename(dataset.root / PET.removesuffix(".gz"))


def _remove(path: str) -> Damage:
    def damage(dataset: DatasetMaker) -> None:
        (dataset.root / path).unlink()

    return damage


def _rival_sidecars(dataset: DatasetMaker) -> None:
    dataset.text(f"sub-{BAD}/task-rejection_pet.json", "{}")
    dataset.text(f"sub-{BAD}/sub-{BAD}_pet.json", "{}")


POINTER = b"/annex/objects/SHA256E-s12--0000.nii.gz\n"
FILES = (
    content("JSON with a comma at its end", SIDECAR, b'{"a": 1,}', "is not valid JSON"),
    content("JSON that is a list", SIDECAR, b"[]", "holds no JSON object"),
    content("JSON that is a text", SIDECAR, b'"pet"', "holds no JSON object"),
    content("an empty sidecar", SIDECAR, b"", "is not valid JSON"),
    content("a sidecar in Latin letters", SIDECAR, b'{"a": "\xff"}', "cannot be read"),
    content("a sidecar of 100 000 brackets", SIDECAR, b"[" * 100_000, "nested too deeply"),
    content(
        "a sidecar that says nothing",
        SIDECAR,
        b"{}",
        "lacks FrameTimesStart, FrameDuration, InjectionStart",
        PET,
    ),
    Case("a pipe in the place of events", "is no file", EVENTS, _pipe),
    Case("no sidecar", "lacks FrameTimesStart, FrameDuration, InjectionStart", damage=_remove(SIDECAR)),
    Case("two sidecars of one folder", "apply to it", PET, _rival_sidecars),
    link("PET that was not fetched", PET, ANNEX, "is a link to content that is not on this machine"),
    link("T1w that was not fetched", T1W, ANNEX, "is a link to content that is not on this machine"),
    link(
        "a sidecar that was not fetched", SIDECAR, ANNEX, "is a link to content that is not on this machine"
    ),
    link("events that were not fetched", EVENTS, ANNEX, "is a link to content that is not on this machine"),
    content(
        "PET that is a pointer of git-annex", PET, POINTER, "is a link to content that is not on this machine"
    ),
    content(
        "T1w that is a pointer of git-annex", T1W, POINTER, "is a link to content that is not on this machine"
    ),
)


def _write_filter(dataset: DatasetMaker) -> None:
    dataset.text("../filter.json", '{"t1w": {"run": "7"}}')


def _nowhere(dataset: DatasetMaker) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((2, 2, 2, 12))
    header.set_sform(np.diag([np.nan, 4.0, 4.0, 1.0]), code=1)
    nib.save(nib.Nifti1Image(np.ones((2, 2, 2, 12), dtype=np.float32), None, header), dataset.root / PET)


IMAGES = (
    Case("PET whose affine holds NaN", "has no affine that puts its voxels into space", damage=_nowhere),
    content("an empty PET", PET, b"", "is empty (0 bytes)"),
    content("an empty T1w", T1W, b"", "is empty (0 bytes)"),
    content("PET that is not compressed", PET, b"plain bytes" * 50, "cannot be read as NIfTI"),
    content("T1w that is not compressed", T1W, b"plain bytes" * 50, "cannot be read as NIfTI"),
    content("PET that is no image", PET, gzip.compress(b"nothing"), "cannot be read as NIfTI"),
    Case("PET that is cut off", "is truncated", PET.removesuffix(".gz"), _truncated),
    Case("compressed PET named .nii", "cannot be read as NIfTI", PET.removesuffix(".gz"), _gz_as_nii),
    Case("PET of 2 dimensions", "has the dimensions 4 x 4", damage=_image(PET, (4, 4))),
    Case("PET of 5 dimensions", "has the dimensions 2 x 2 x 2 x 12 x 2", damage=_image(PET, (2, 2, 2, 12, 2))),
    Case("PET of one volume", "has 12 values, but the image has 1 volumes", damage=_image(PET, (2, 2, 2))),
    Case("T1w of several volumes", "has 4 volumes", T1W, _image(T1W, (2, 2, 2, 4))),
    Case("T1w of 1200 voxels along each edge", "has 1.73e+03 million voxels", T1W, _huge, ExitCode.USAGE),
    Case("one scan stored twice", "has the same scan twice", "", _plain_twin),
    Case("no T1w", f"sub-{BAD} has no T1w image", damage=_remove(T1W)),
    Case("a filter that fits no T1w", "has no T1w image that fits the filter: it has", "sub-",
         _write_filter, filters=Filters(bids_filter_file=Path("filter.json")), stops=True),
)  # fmt: skip

FOLDER = f"sub-{BAD}/pet"


def _loop(dataset: DatasetMaker) -> None:
    (dataset.root / FOLDER).rename(dataset.root / f"sub-{BAD}/elsewhere")
    (dataset.root / FOLDER).symlink_to("pet")


def _elsewhere(dataset: DatasetMaker) -> None:
    (dataset.root / PET).rename(dataset.root / PET.replace(f"/sub-{BAD}_", "/sub-77_"))


NAMES = (
    renamed("a label with a space", f"{FOLDER}/sub-{BAD}_task-a b", "the value of task- is 'a b'"),
    renamed("a label with braces", f"{FOLDER}/sub-{BAD}_task-{{x}}", "the value of task- is '{x}'"),
    renamed("a label with a percent sign", f"{FOLDER}/sub-{BAD}_task-50%", "the value of task- is '50%'"),
    renamed("a label with an accent", f"{FOLDER}/sub-{BAD}_task-rétest", "the value of task- is 'rétest'"),
    renamed("a label with a quote", f"{FOLDER}/sub-{BAD}_task-it's", 'the value of task- is \'it\'s\''),
    renamed("a label that is empty", f"{FOLDER}/sub-{BAD}_task-", "the value of task- is ''"),
    renamed("a scan in the folder of another session", f"sub-{BAD}/ses-a/pet/sub-{BAD}_ses-b_task-x",
            "is named after ses-b, but lies in the folder ses-a"),
    Case("a scan in the folder of another participant", "is named after sub-77, but lies in the folder", "sub-77",
         _elsewhere),
    Case("a folder that cannot be read", "cannot be used: ", FOLDER, _loop),
)  # fmt: skip

CASES: tuple[Case, ...] = (*ADMINISTRATION, *DOSE, *TRACER, *EVENT_FILES, *FILES, *IMAGES, *NAMES)

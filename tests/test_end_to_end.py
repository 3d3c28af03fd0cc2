"""The whole way as a user goes it: a simulated study, both levels, a run again, a broken scan."""

import gzip
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

from morbids.bids.names import FULL_ONLY, ROLES, Role, difference_label, output_path, parse_name
from morbids.bids.tables import read_table
from morbids.bids.validation import run_validator, validate_derivatives
from morbids.errors import ExitCode
from morbids.imaging.images import read_image
from morbids.simulation.effects import built_in_effects
from morbids.simulation.settings import StudySettings
from morbids.simulation.study import simulate_study

pytestmark = pytest.mark.graph

ROOT = Path(__file__).parents[1]
PARTICIPANTS = ("01", "02", "03")
# One person has both scans: enough for a second kind of scan, and for a question that cannot be tested.
SCANS = (("01", "acceptance"), *((participant, "rejection") for participant in PARTICIPANTS))
SIMULATED = StudySettings(
    participants=len(PARTICIPANTS), pet_voxel_mm=6.0, t1w_voxel_mm=3.0, seed=1, noise=0.3, motion=0.3
)
BROKEN_SCAN = "sub-01_task-rejection_trc-carfentanil"
TRAIT, MODEL = "er89_total", "StepChange2"
SPACE = {"space": "MNI152NLin2009cAsym", "res": "2"}


class Finished(NamedTuple):
    """Exit code and log of one call of run.py."""

    exit_code: int
    log: str

    @property
    def started(self) -> list[tuple[str, str]]:
        """Scan (or other unit) and name of every step that started."""
        return re.findall(r"^[\d:]+ (\S+), (.+): started$", self.log, flags=re.MULTILINE)


class Places(NamedTuple):
    """Folders of the study."""

    bids: Path
    out: Path
    work: Path

    @property
    def truth(self) -> Path:
        return self.bids / "derivatives" / "truth"


class Story(NamedTuple):
    """What happened, in this order; the folders are as the last run left them."""

    places: Places
    participant: Finished
    minimal: Finished
    left_of_minimal: tuple[str, ...]
    group: Finished
    problems_of_input: tuple[object, ...]
    problems_of_output: tuple[object, ...]
    broken_links: tuple[Path, ...]
    again: Finished
    came_back: tuple[bool, ...]
    untouched: bool


def is_of_role(path: Path, role: Role) -> bool:
    name = parse_name(path)
    alike = (name.suffix, name.extension) == (role.suffix, role.extension)
    return (
        alike and role.fixed.items() <= name.entities.items() and set(role.required) <= name.entities.keys()
    )


def links_of(page: Path) -> list[Path]:
    """Files that a page shows or leads to."""
    links = re.findall(r'(?:src|href)="([^"#]+)"', page.read_text())
    return [page.parent / link for link in links if not link.startswith(("data:", "http", "mailto"))]


def run_level(places: Places, level: str, *options: str) -> Finished:
    """Call run.py as a user does."""
    command = [sys.executable, str(ROOT / "run.py"), str(places.bids), str(places.out), level]
    command += ["--work-dir", str(places.work), "--nprocs", "2", *options]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    return Finished(finished.returncode, finished.stdout + finished.stderr)


def scan(participant: str, task: str) -> dict[str, str]:
    return {"sub": participant, "task": task, "trc": "carfentanil"}


def times(folder: Path) -> dict[Path, int]:
    """When every derivative was written; pages and quality tables are made anew by every run."""
    return {
        path: path.stat().st_mtime_ns
        for path in folder.glob("sub-*/**/*")
        if path.is_file() and not path.name.endswith("_metrics.tsv")
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("whole")
    places = Places(folder / "bids", folder / "out", folder / "work")
    simulate_study(places.bids, SIMULATED)
    for person in PARTICIPANTS[1:]:
        for path in places.bids.glob(f"sub-{person}/pet/*_task-acceptance_*"):
            path.unlink()
    # Head motion takes as long as much else: one person's is enough, and the group page tells what differs.
    first, others = PARTICIPANTS[:1], PARTICIPANTS[1:]
    participant = run_level(places, "participant", "--participant-label", *first)
    told = ("--participant-label", *others, "--motion", "off", "--outputs", "minimal")
    alone = places._replace(work=folder / "cleaned")
    minimal = run_level(alone, "participant", *told, "--clean-workdir")
    left = tuple(str(path.relative_to(alone.work)) for path in alone.work.rglob("*"))
    group = run_level(places, "group", "--trait", TRAIT, "--n-permutations", "64", "--clean-workdir")
    problems = run_validator(places.bids), validate_derivatives(places.out)

    deleted = (
        output_path(places.out, {"sub": "01"}, "brain_mask"),
        output_path(places.out, scan("01", "acceptance"), "petref"),
        output_path(places.out, scan("01", "acceptance"), "preproc_pet"),
    )
    links = tuple(link for page in places.out.glob("*.html") for link in links_of(page) if not link.exists())
    before = times(places.out)
    for path in deleted:
        path.unlink()
    image = truncated_image(places)
    image.write_bytes(image.read_bytes()[: image.stat().st_size // 2])
    again = run_level(places, "participant", "--participant-label", *first)
    came_back = tuple(path.is_file() for path in deleted)
    untouched = times(places.out) == before
    return Story(places, participant, minimal, left, group, *problems, links, again, came_back, untouched)


def truncated_image(places: Places) -> Path:
    return places.bids / "sub-01/pet" / f"{BROKEN_SCAN}_pet.nii.gz"


def test_both_levels_end_well(story: Story) -> None:
    for finished in (story.participant, story.minimal, story.group):
        assert finished.exit_code == ExitCode.OK, finished.log
        assert "FAILED" not in finished.log
        assert "Traceback" not in finished.log


def test_input_and_output_are_valid_bids(story: Story) -> None:
    assert [str(problem) for problem in story.problems_of_input] == []
    assert [str(problem) for problem in story.problems_of_output] == []


def saved_roles(story: Story) -> Iterator[tuple[str, dict[str, str], dict[str, str]]]:
    """Every role that a scan, its T1w image and the group leave, with what tells its files apart."""
    t1w, pet = {"sub": "01"}, scan("01", "rejection")
    for role in ("preproc_t1w", "brain_mask", "dseg", "gm_probseg", "wm_probseg", "csf_probseg"):
        yield role, t1w, {}
    yield "t1w_in_template", t1w, SPACE
    yield "t1w_to_template", t1w, {"to": SPACE["space"]}
    yield "template_to_t1w", t1w, {"from": SPACE["space"]}
    for role in ("preproc_pet", "petref", "pet_brain_mask", "confounds", "motion_transforms", "quality"):
        yield role, pet, {}
    for role in ("pet_to_t1w", "t1w_to_pet", "calibration"):
        yield role, pet, {}
    for role in ("reference_mask", "reference_curve"):
        yield role, pet, {"label": "occipital"}
    for atlas in ("AAL", "apriori"):
        for role in ("pet_dseg", "pet_dseg_table", "region_curves"):
            yield role, pet, {"seg": atlas}
        for window in ("baseline", "rejection"):
            yield "kinpar", pet, {"seg": atlas, "model": MODEL, "desc": window}
    for space in ({}, SPACE):
        for window in ("baseline", "rejection"):
            yield "parametric_map", pet, {"model": MODEL, "meas": "BPND", "desc": window, **space}
        for percent in (False, True):
            label = difference_label("baseline", "rejection", percent=percent)
            yield "difference_map", pet, {"model": MODEL, "meas": "BPND", "desc": label, **space}
        yield "parametric_map", pet, {"model": "MRTM2", "meas": "R1", **space}
    yield "participant_page", t1w, {}
    yield "group_page", {}, {}


def test_every_role_of_the_participant_level_is_there_with_its_sidecar(story: Story) -> None:
    for role, source, entities in saved_roles(story):
        path = output_path(story.places.out, source, role, entities)
        assert path.is_file(), path
        assert path.stat().st_size > 0, path
        if path.name.endswith((".nii.gz", "_xfm.txt", "_xfm.h5", "_tacs.tsv", "_kinpar.tsv")):
            sidecar = json.loads((path.parent / f"{path.name.split('.')[0]}.json").read_text())
            assert sidecar["Sources"], path


def test_nothing_is_left_in_the_output_that_has_no_role(story: Story) -> None:
    suffixes = {role.suffix for role in ROLES.values()}
    for path in story.places.out.glob("sub-*/**/*"):
        if path.is_file():
            assert not path.name.startswith("."), "a partial file stayed"
            assert parse_name(path).suffix in suffixes, path


def test_images_can_be_read_and_maps_of_a_space_share_its_grid(story: Story) -> None:
    grids = set()
    for path in story.places.out.glob("sub-*/pet/*_space-*_mimap.nii.gz"):
        image = read_image(path)
        grids.add((image.values.shape, image.affine.tobytes()))
        assert np.isfinite(image.values).sum() > 10_000, path
    assert len(grids) == 1


def estimates(story: Story, participant: str, task: str, window: str, atlas: str) -> pd.DataFrame:
    named = {"seg": atlas, "model": MODEL, "desc": window}
    path = output_path(story.places.out, scan(participant, task), "kinpar", named)
    return read_table(path, ("name", "BPND", "BPND-se")).set_index("name")


def true_binding(story: Story, participant: str, task: str, window: str) -> "pd.Series[float]":
    """BP_ND of the AAL regions above 1 mL as the analysis cut them, relative to the reference region as it cut that."""
    folder = story.places.truth / f"sub-{participant}" / "pet"
    (path,) = folder.glob(f"*_task-{task}_trc-carfentanil_model-truth_meas-BPND_desc-{window}_mimap.nii.gz")
    image = read_image(path)
    volume, source, seg = 1 + image.values, scan(participant, task), {"seg": "AAL"}
    labels = read_image(output_path(story.places.out, source, "pet_dseg", seg)).values
    table = read_table(output_path(story.places.out, source, "pet_dseg_table", seg), ("index", "name"))
    where = {str(name): labels == index for index, name in zip(table["index"], table["name"], strict=True)}
    reference = read_image(output_path(story.places.out, source, "reference_mask", {"label": "occipital"}))
    whole = float(volume[reference.values > 0.5].mean())
    large = {name: own for name, own in where.items() if own.sum() * image.voxel_ml > 1}
    return pd.Series({name: float(volume[own].mean()) / whole - 1 for name, own in large.items()})


def test_regional_binding_is_recovered(story: Story) -> None:
    """Where the analysis looks: whole labels bind 3 to 13 % less than the grey matter that they are cut to."""
    pairs = []
    for participant, task in SCANS:
        for window in ("baseline", task):
            true = true_binding(story, participant, task, window)
            found = estimates(story, participant, task, window, "AAL")["BPND"]
            pairs.append(pd.DataFrame({"true": true, "found": found.reindex(true.index)}).dropna())
    table = pd.concat(pairs)
    assert len(table) > 650
    assert table["found"].corr(table["true"]) > 0.98
    binding = table[table["true"] > 0.8]
    assert len(binding) > 250
    assert (binding["found"] / binding["true"] - 1).abs().median() < 0.03


def group_table(story: Story, role: str, task: str) -> pd.DataFrame:
    folder = story.places.out / "group"
    contrast = difference_label("baseline", task)
    (path,) = folder.glob(f"model-*/contrast-{contrast}_{ROLES[role].suffix}.tsv")
    return read_table(path)


def test_group_effects_have_the_sign_that_was_built_in(story: Story) -> None:
    """Means alone: three people cannot show how an effect goes with a trait."""
    for effect in built_in_effects():
        if effect.kind != "mean" or effect.task != "rejection":
            continue
        table = group_table(story, "regions", effect.task)
        names = table["name"].str.removesuffix("_L").str.removesuffix("_R")
        found = table.loc[names == effect.region, "effect"].mean()
        assert np.sign(found) == effect.sign, (effect.name, found)


def test_the_effect_map_is_the_mean_of_smoothed_differences(story: Story) -> None:
    label = difference_label("baseline", "rejection")
    folder = story.places.out / "group"
    (path,) = folder.glob(f"model-*/contrast-{label}_stat-effect_statmap.nii.gz")
    effect = read_image(path).values
    maps = [
        read_image(
            output_path(
                story.places.out,
                scan(participant, "rejection"),
                "difference_map",
                {"model": MODEL, "meas": "BPND", "desc": label, **SPACE},
            )
        ).values
        for participant in PARTICIPANTS
    ]
    inside = np.isfinite(effect) & np.isfinite(np.sum(maps, axis=0)) & (effect != 0)
    assert inside.sum() > 10_000
    assert np.corrcoef(effect[inside], np.mean(maps, axis=0)[inside])[0, 1] > 0.8
    assert abs(effect[inside].mean() - np.mean(maps, axis=0)[inside].mean()) < 0.02


def test_sidecars_say_how_a_number_was_made(story: Story) -> None:
    named = {"model": MODEL, "meas": "BPND", "desc": "rejection", **SPACE}
    path = output_path(story.places.out, scan("01", "rejection"), "parametric_map", named)
    sidecar = json.loads(path.with_name(path.name.replace(".nii.gz", ".json")).read_text())
    assert sidecar["ModelName"] == MODEL
    assert sidecar["ReferenceRegion"] == "occipital"
    assert 0.08 < sidecar["k2prime"] < 0.16
    assert sidecar["k2primeStandardError"] < 0.0168
    assert sidecar["TracerName"] == "carfentanil"
    assert sidecar["Sources"] == ["bids:raw:sub-01/pet/sub-01_task-rejection_trc-carfentanil_pet.nii.gz"]
    assert "2" in sidecar["Resolution"]
    assert "run.py" in sidecar["CommandLine"]
    assert str(story.places.bids) in sidecar["CommandLine"]


def test_the_participant_page_shows_every_scan_and_links_what_exists(story: Story) -> None:
    page = output_path(story.places.out, {"sub": "01"}, "participant_page")
    text = page.read_text()
    for word in ("task-rejection", "task-acceptance", MODEL, "occipital", "0.1237"):
        assert word in text, word
    assert len(links_of(page)) > 20
    assert story.broken_links == ()


def test_the_group_page_names_contrasts_regions_and_participants(story: Story) -> None:
    text = output_path(story.places.out, {}, "group_page").read_text()
    for word in ("Amygdala", "rejection", TRAIT, "sub-01", "sub-03"):
        assert word in text, word
    assert "needs at least 3 maps and was given 1" in text, "one scan is no sample, and that is said"


def test_the_group_page_tells_what_participants_were_run_with_where_it_differs(story: Story) -> None:
    text = output_path(story.places.out, {}, "group_page").read_text()
    assert "differs: frames realigned (2 maps); none (2 maps)" in text


def test_minimal_outputs_are_all_that_pages_and_group_read(story: Story) -> None:
    """Of participants 02 and 03, whose pages lack no file and whose maps are in the group's test."""
    for number, participant in enumerate(PARTICIPANTS):
        left = [
            path
            for path in story.places.out.glob(f"sub-{participant}/**/*")
            if any(is_of_role(path, ROLES[role]) for role in FULL_ONLY)
        ]
        assert bool(left) == (number == 0), left
        assert len(links_of(output_path(story.places.out, {"sub": participant}, "participant_page"))) > 20
    assert story.broken_links == ()


def test_a_run_that_cleans_up_and_ends_well_leaves_a_lock(story: Story) -> None:
    assert story.left_of_minimal == ("in-use.lock",)


def test_a_group_that_cleans_up_leaves_what_scans_have_kept(story: Story) -> None:
    """The first participant was run without cleaning: none of the finished steps is made again (below)."""
    (steps,) = story.places.work.glob("steps-*")
    assert {"MNI152NLin2009cAsym"} == {
        path.name.split("_")[0][4:] for path in (story.places.work / "templates").iterdir()
    }
    assert len(list((steps / "participants").glob("sub__01*/*/result_*.pklz"))) > 20


def test_a_second_run_computes_nothing_but_what_has_changed(story: Story) -> None:
    everything = {step for _, step in story.participant.started}
    assert {"estimating head motion", "fitting every voxel", "drawing maps"} <= everything
    assert story.again.started == [(BROKEN_SCAN, "estimating head motion")]


def test_deleted_derivatives_come_back_and_the_others_are_left_alone(story: Story) -> None:
    assert story.came_back == (True, True, True)
    assert story.untouched, "restored files carry the times of the results they are copies of"


def test_a_truncated_image_stops_only_its_own_scan(story: Story) -> None:
    assert story.again.exit_code == ExitCode.FAILED, story.again.log
    end = story.again.log.splitlines()[-6:]
    (told,) = [line for line in end if f"{BROKEN_SCAN}, estimating head motion failed." in line]
    assert f"{BROKEN_SCAN}_pet.nii.gz" in told
    assert "truncated" in told
    assert story.again.log.count("failed.") == 1


def test_the_page_of_the_truncated_image_says_why(story: Story) -> None:
    broken = output_path(story.places.out, {"sub": "01"}, "participant_page").read_text()
    assert BROKEN_SCAN in broken
    assert "truncated" in broken
    well = output_path(story.places.out, {"sub": "02"}, "participant_page").read_text()
    assert "truncated" not in well


def test_the_truncated_image_of_this_test_is_one(story: Story) -> None:
    with pytest.raises(EOFError), gzip.open(truncated_image(story.places)) as stream:
        stream.read()

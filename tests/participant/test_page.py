"""The page of a participant, from what is on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from morbids.bids.names import output_path
from morbids.bids.tables import write_table
from morbids.engine.failures import StepFailure
from morbids.imaging.brain import STRIPPED
from morbids.imaging.images import write_image
from morbids.participant.collection import plan_study
from morbids.participant.page import write_participant_pages
from morbids.settings import ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import make_study, write_scan
from tests.participant.test_quality import leave, leave_everything
from tests.reports.reading import read_page
from tests.reports.test_volumes import at, read_pack

SETTINGS = replace(ScanSettings(), t_star_min="find")


def test_sidecars_of_another_version_are_told_and_stop_no_page(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    study = make_study(dataset.root.parent)
    (plan,) = plan_study(study, SETTINGS).scans
    leave_everything(study, plan)
    pet = plan.scan.entities
    leave(study, pet, "petref", {"Notes": 3})
    leave(study, pet, "pet_to_t1w", {"Overlap": 0.9})
    leave(study, plan.t1w.entities, "t1w_to_template", {"TemplateSource": 4}, to="MNI152NLin2009cAsym")
    window = plan.kinetics.windows[0].name
    leave(study, pet, "kinpar", {"tstar": "late"}, seg="apriori", model=plan.kinetics.model, desc=window)
    (page,) = write_participant_pages([plan], [], [], study, SETTINGS)
    text = read_page(page).text
    for told in ("'Notes' of", "no field 'NormalizedMutualInformation'", "'TemplateSource' of", "'tstar' of"):
        assert told in text
    assert text.count("Another version of the program wrote it: remove the file") >= 4


def test_a_brain_without_a_skull_is_told(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    study = make_study(dataset.root.parent)
    (plan,) = plan_study(study, SETTINGS).scans
    leave(study, plan.t1w.entities, "brain_mask", {"Notes": STRIPPED, "SkullStripped": True})
    (page,) = write_participant_pages([plan], [], [], study, SETTINGS)
    assert STRIPPED in read_page(page).text


def test_a_failed_step_is_told_in_words_with_its_traceback(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    study = make_study(dataset.root.parent)
    (plan,) = plan_study(study, SETTINGS).scans
    units = ("participants", "sub__01_task__rejection")
    failure = StepFailure(units, "fit_regions_AAL", "It is odd. Look.", "…", Path("/work/crashes/x.txt"))
    (page,) = write_participant_pages([plan], [], [failure], study, SETTINGS)
    text = read_page(page).text
    assert "sub-01_task-rejection: fitting the regions of AAL failed. It is odd. Look." in text
    assert "Traceback: /work/crashes/x.txt" in text


def test_pages_lead_to_the_index_and_to_their_neighbours_also_of_earlier_runs(dataset: DatasetMaker) -> None:
    for participant in ("01", "02"):
        write_scan(dataset, participant)
    study = make_study(dataset.root.parent)
    study.output_dir.mkdir(parents=True, exist_ok=True)
    (study.output_dir / "sub-00.html").touch()
    pages = write_participant_pages(plan_study(study, SETTINGS).scans, [], [], study, SETTINGS)
    first, second = (read_page(page).hrefs for page in pages)
    assert [href for href in first if href.endswith(".html")] == ["index.html", "sub-00.html", "sub-02.html"]
    assert [href for href in second if href.endswith(".html")] == ["index.html", "sub-01.html"]


def test_regions_are_shown_with_their_intervals_window_by_window(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    study = make_study(dataset.root.parent)
    (plan,) = plan_study(study, SETTINGS).scans
    for place, window in enumerate(plan.kinetics.windows):
        named = {"seg": "apriori", "model": plan.kinetics.model, "desc": window.name}
        row = {"name": "PAG", "BPND": 2.1 - place, "BPND-low": 1.5 - place, "BPND-high": 2.5 - place}
        write_table(pd.DataFrame([row]), output_path(study.output_dir, plan.scan.entities, "kinpar", named))
    (page,) = write_participant_pages([plan], [], [], study, SETTINGS)
    table = next(table for table in read_page(page).tables if table[0][0] == "Region")
    names = [window.name for window in plan.kinetics.windows]
    assert table[0][1] == f"{names[0]}: BPND"
    assert table[1][:4] == ["PAG", "2.10", "1.50", "2.50"]
    assert len(table[1]) == 1 + 3 * len(names)


def test_the_interactive_brain_holds_the_scans_own_maps(dataset: DatasetMaker) -> None:
    write_scan(dataset, "01")
    study = make_study(dataset.root.parent)
    (plan,) = plan_study(study, SETTINGS).scans
    scan, shape = plan.scan.entities, (6, 7, 5)
    ramp = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    named = {"model": plan.kinetics.model, "meas": "BPND", "desc": plan.kinetics.windows[0].name}
    images = {"petref": ({}, ramp), "pet_brain_mask": ({}, ramp > 0), "parametric_map": (named, ramp / 100)}
    for role, (entities, values) in images.items():
        path = output_path(study.output_dir, scan, role, entities)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(values, np.diag([2.0, 2.0, 2.0, 1.0]), path)
    (page,) = write_participant_pages([plan], [], [], study, SETTINGS)
    path = output_path(study.output_dir, scan, "pet_pack", {"desc": "maps"})
    assert f'data-packs="{path.relative_to(study.output_dir)}"' in page.read_text()
    anatomy, shown = read_pack(path)["volumes"]
    assert (anatomy["kind"], shown["name"]) == ("anatomy", f"BP_ND: {plan.kinetics.windows[0].name}")
    assert at(shown, (6.0, 4.0, 2.0)) == pytest.approx(ramp[3, 2, 1] / 100, abs=shown["high"] / 254)

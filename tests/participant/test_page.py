"""The page of a participant, from what is on disk."""

from dataclasses import replace
from pathlib import Path

from morbids.engine.failures import StepFailure
from morbids.participant.collection import plan_study
from morbids.participant.page import write_participant_pages
from morbids.settings import ScanSettings
from tests.bids.conftest import DatasetMaker
from tests.participant.studies import make_study, write_scan
from tests.participant.test_quality import leave, leave_everything
from tests.reports.reading import read_page

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

"""The participant's page: what failed comes first, what exists is shown."""

from pathlib import Path

from morbids.reports.captions import figure, flicker
from morbids.reports.findings import Failure, Methods, Verdict
from morbids.reports.pages import Level, Link
from morbids.reports.participant import (
    AnatomyReport,
    ParticipantReport,
    ScanReport,
    WindowFacts,
    write_participant_page,
)
from tests.reports.reading import PROVENANCE, ReadPage, check_offline, picture, read_page


def write(tmp_path: Path, failures: tuple[Failure, ...] = (), flagged: bool = True) -> ReadPage:
    level: Level = "flag" if flagged else "pass"
    scan = ScanReport(
        "sub-01_task-rejection",
        (("Tracer", "[11C]carfentanil"), ("Injected dose", "412 MBq")),
        (WindowFacts("baseline", 10, 40, 6, "start raised to t*"), WindowFacts("rejection", 45, 90, 6)),
        (
            Verdict("head motion", level, "1.2 mm in frame 16", "over 1 mm"),
            Verdict("PET to T1w", "pass", "0.97"),
        ),
        ("The scan has a gap.",),
        motion=(figure("motion", picture(tmp_path, "motion.svg")),),
        maps=(figure("difference_map", picture(tmp_path, "diff.png"), "Baseline − rejection."),),
    )
    anatomy = AnatomyReport(
        "sub-01_T1w",
        (Verdict("brain mask", "pass", "1462 mL"),),
        (
            flicker(
                "normalization",
                ("sub-01", picture(tmp_path, "a.png")),
                ("template", picture(tmp_path, "b.png")),
            ),
        ),
    )
    report = ParticipantReport(
        "sub-01",
        "A study",
        (anatomy,),
        (scan, ScanReport("sub-01_task-acceptance")),
        failures,
        Methods(("BP_ND was estimated [@Innis2007].",), tmp_path / "sub-01_references.bib"),
        PROVENANCE,
        (Link("All participants", write_index(tmp_path)),),
    )
    return read_page(write_participant_page(report, tmp_path / "sub-01.html"))


def write_index(tmp_path: Path) -> Path:
    index = tmp_path / "index.html"
    index.touch()
    return index


FAILURE = Failure(
    "sub-01_task-acceptance",
    "reading the PET image",
    "pet.nii.gz ends after <12> of 21 frames.",
    "Fetch it again.",
)


def test_a_failure_comes_before_everything_with_reason_and_remedy(tmp_path: Path) -> None:
    page = write(tmp_path, (FAILURE,))
    sentence = (
        "sub-01_task-acceptance: reading the PET image failed. "
        "pet.nii.gz ends after <12> of 21 frames. Fetch it again."
    )
    assert page.text.count(sentence) == 2  # at the head of the page and of its scan
    assert page.text.index(sentence) < page.text.index("head motion")
    assert "ends after &lt;12&gt; of" in page.html
    assert page.tables[0][2][:2] == ["sub-01_task-acceptance", "✕ failed"]


def test_figures_that_exist_are_shown_beside_a_failure(tmp_path: Path) -> None:
    page = write(tmp_path, (FAILURE,))
    names = [Path(image["src"]).name for image in page.images]
    assert names == ["a.png", "b.png", "motion.svg", "diff.png"]
    assert "Baseline − rejection. Baseline minus challenge: red is activation" in page.text
    check_offline(page, tmp_path)


def test_flags_are_told_at_the_top_with_their_reason(tmp_path: Path) -> None:
    page = write(tmp_path)
    assert "look: sub-01_task-rejection: head motion: 1.2 mm in frame 16. over 1 mm" in page.text
    assert page.tables[0][1] == [
        "sub-01_task-rejection",
        "! look",
        "head motion",
        "baseline 10–40, rejection 45–90",
    ]


def test_a_clean_participant_is_told_so(tmp_path: Path) -> None:
    assert "none was flagged" in write(tmp_path, flagged=False).text
    assert "none was flagged" not in write(tmp_path).text
    assert "none was flagged" not in write(tmp_path, (FAILURE,), flagged=False).text


def test_windows_facts_methods_and_provenance_are_there(tmp_path: Path) -> None:
    page = write(tmp_path)
    assert ["baseline", "10–40", "6", "start raised to t*"] in page.tables[3]
    assert "Injected dose 412 MBq" in page.text
    assert "The scan has a gap." in page.text
    assert "BPND was estimated [1]." in page.text
    assert "Innis RB, Cunningham VJ, Delforge J, et al. (2007)." in page.text
    assert 'href="https://doi.org/10.1038/sj.jcbfm.9600493"' in page.html
    assert (tmp_path / "sub-01_references.bib").read_text("utf-8").startswith("@article{Innis2007,")
    assert "morbids 9.9.9, finished today." in page.text
    assert "morbids in out participant" in page.text
    assert "Template: embedded template" in page.text
    assert ["t_star_min", "10"] in page.tables[4]


def test_topics_without_blocks_leave_no_heading(tmp_path: Path) -> None:
    page = write(tmp_path)
    assert "Head motion" in page.text
    assert "Kinetics" not in page.text

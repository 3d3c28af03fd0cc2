"""Curves from tables of any program: times, regions, references, and sentences for what is wrong."""

import json
from pathlib import Path

import numpy as np
import pytest

from morbids.bids.curve_tables import CurveTable, read_curves
from morbids.errors import MorbidsError

# A scan of six frames: start, end (s), reference, target.
BODY = (
    (0, 60, 10, 20),
    (60, 180, 30, 50),
    (180, 420, 32, 70),
    (420, 900, 25, 66),
    (900, 1800, 16, 50),
    (1800, 3600, 8, 30),
)


def six_frames(head: str, form: str = "{0}\t{1}\t{2}\t{3}", per: float = 1.0, before: str = "") -> str:
    rows = (
        form.format(s / per, e / per, ref, roi, (e - s) / per, (s + e) / 2 / per) for s, e, ref, roi in BODY
    )
    return "\n".join((head, *([before] if before else []), *rows)) + "\n"


PLAIN = six_frames("frame_start\tframe_end\tcer\tput")
VOISTAT = "// Component [string]\tVoiName(Region) [string]\tTime [seconds]\tAveraged [kBq/cc]\n" + "".join(
    f"a\t{name}\t{(s + e) / 2}\t{values[i]}\n"
    for i, name in enumerate(("cer", "put"))
    for s, e, *values in BODY
)


def read(tmp_path: Path, text: str, reference: str | None = "cer", name: str = "tacs.txt") -> CurveTable:
    path = tmp_path / name
    path.write_text(text)
    return read_curves(path, reference)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PLAIN, id="PETPrep"),
        pytest.param(
            six_frames("FrameTimesStart\tFrameDuration\tcer\tput", "{0}\t{4}\t{2}\t{3}"), id="PET-BIDS"
        ),
        pytest.param(six_frames("start[seconds]\tend[kBq/cc]\tcer\tput"), id="PMOD in s"),
        pytest.param(six_frames("start[minutes]\tend[kBq/cc]\tcer\tput", per=60), id="PMOD in min"),
        pytest.param(six_frames("start[hours]\tend[kBq/cc]\tcer\tput", per=3600), id="PMOD in h"),
        pytest.param(six_frames("start[seconds]\tend[kBq/cc]\tcer\tput\t"), id="PMOD's last tab"),
        pytest.param(six_frames("time[seconds]\tcer[kBq/cc]\tput", "{5}\t{2}\t{3}"), id="PMOD, mid-times"),
        pytest.param(
            "# drawn by hand\n"
            + six_frames("start[minutes] end[Bq/ml] cer put", "{0}   {1} {2}  {3}", per=60),
            id="Turku",
        ),
        pytest.param(
            "DFT cer put\n. . .\nkBq/ml . .\n" + six_frames("Times (min) 3 4", "{0} {1} {2} {3}", per=60),
            id="DFT",
        ),
        pytest.param(
            "DFT cer put\n. . .\nkBq/ml . .\n" + six_frames("Time (sec) . .", "{5} {2} {3}"),
            id="DFT, mid-times",
        ),
        pytest.param(VOISTAT, id="voistat"),
        pytest.param(
            six_frames(
                "Times,StartTime (min),Duration (min),Weights,cer,put", "{5},{0},{4},1,{2},{3}", per=60
            ),
            id="kinfitr",
        ),
        pytest.param(
            six_frames(
                "Times\tcer\tput\tWeights\tStartTime\tDuration",
                "{5}\t{2}\t{3}\t1\t{0}\t{4}",
                per=60,
                before="0\t0\t0\t0\t0\t0",
            ),
            id="kinfitr, a first row of no length, minutes without a word",
        ),
        pytest.param(
            six_frames("Times\tcer\tput", "{5}\t{2}\t{3}", per=60, before="0\t0\t0"),
            id="a first row of no length and mid-times",
        ),
        pytest.param(
            six_frames("start (min);end (min);cer;put", "{0};{1};{2},0;{3},0", per=60), id="decimal commas"
        ),
    ],
)
def test_tables_of_other_programs_are_read_as_they_are(tmp_path: Path, text: str) -> None:
    table = read(tmp_path, text, "cer[kBq/cc]" if "cer[" in text else "cer")
    assert table.names == ("put",)
    np.testing.assert_allclose(table.frames.start_min, [0, 1, 3, 7, 15, 30], atol=1e-9)
    np.testing.assert_allclose(table.frames.end_min, [1, 3, 7, 15, 30, 60])
    np.testing.assert_allclose(table.reference, [10, 30, 32, 25, 16, 8])
    np.testing.assert_allclose(table.curves[:, 0], [20, 50, 70, 66, 50, 30])


def test_what_was_taken_for_granted_is_told(tmp_path: Path) -> None:
    assert read(tmp_path, PLAIN).notes == ()
    minutes = six_frames("start\tend\tcer\tput", per=60)
    (note,) = read(tmp_path, minutes).notes
    assert "times are taken for minutes, as a scan does not end after 60 s" in note
    (note,) = read(tmp_path, VOISTAT).notes
    assert "the middles of its frames only: they are taken to follow each other" in note


def test_the_unit_of_activity_is_kept(tmp_path: Path) -> None:
    assert read(tmp_path, PLAIN).unit == ""
    assert read(tmp_path, six_frames("start[seconds]\tend[kBq/cc]\tcer\tput")).unit == "kBq/cc"
    assert read(tmp_path, VOISTAT).unit == "kBq/cc"


@pytest.mark.parametrize("cell", ["", "n/a", "NaN", "NA", ".", "inf", "high"])
def test_a_region_with_a_gap_is_left_out_alone_and_named(tmp_path: Path, cell: str) -> None:
    text = six_frames("start\tend\tcer\tput\tcau", "{0}\t{1}\t{2}\t{3}\t{3}").replace(
        "\t66\t66", f"\t66\t{cell}"
    )
    table = read(tmp_path, text)
    assert table.names == ("put",)
    (note,) = table.notes
    assert f"column 'cau' {'is empty' if not cell else f'holds {cell!r}'} in row 5" in note
    assert "left out" in note


def test_a_missing_value_in_the_reference_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="column 'cer' holds 'n/a' in row 5"):
        read(tmp_path, PLAIN.replace("\t25\t", "\tn/a\t"))


def test_several_reference_columns_are_averaged_and_fitted_no_more(tmp_path: Path) -> None:
    text = six_frames("start\tend\tleft\tright\tput", "{0}\t{1}\t{2}\t{3}\t{3}")
    table = read(tmp_path, text, "left, Right")
    np.testing.assert_allclose(table.reference, [15, 40, 51, 45.5, 33, 19])
    assert table.names == ("put",)


def test_a_reference_in_another_file(tmp_path: Path) -> None:
    targets, reference = tmp_path / "targets.tsv", tmp_path / "reference.tsv"
    targets.write_text(six_frames("frame_start\tframe_end\tput", "{0}\t{1}\t{3}"))
    reference.write_text(six_frames("start (min)\tend (min)\tcer", "{0}\t{1}\t{2}", per=60))
    table = read_curves(targets, None, reference_file=reference)
    assert table.names == ("put",)
    np.testing.assert_allclose(table.reference, [10, 30, 32, 25, 16, 8])
    reference.write_text(PLAIN)
    with pytest.raises(
        MorbidsError, match=r"has 2 curves. Name one with --reference. Its regions are cer, put"
    ):
        read_curves(targets, None, reference_file=reference)
    reference.write_text(PLAIN.replace("\n60.0\t180", "\n60\t170"))
    with pytest.raises(MorbidsError, match=r"Frame 2 is 1 to 3 min in .*, but 1 to 2.83333 min in"):
        read_curves(targets, "cer", reference_file=reference)
    reference.write_text(PLAIN[: PLAIN.rindex("1800")])
    with pytest.raises(MorbidsError, match=r"has 6 frames, but .* has 5"):
        read_curves(targets, "cer", reference_file=reference)


def test_times_of_a_bids_table_count_from_injection(tmp_path: Path) -> None:
    (tmp_path / "tacs.json").write_text(json.dumps({"InjectionStart": 30}))
    table = read(tmp_path, PLAIN, name="tacs.tsv")
    np.testing.assert_allclose(table.frames.start_min, [-0.5, 0.5, 2.5, 6.5, 14.5, 29.5])
    assert "from injection at 30 s" in table.notes[0]
    (tmp_path / "tacs.json").write_text("[")
    with pytest.raises(MorbidsError, match="cannot be read as the sidecar"):
        read_curves(tmp_path / "tacs.tsv", "cer")


def test_frame_times_from_a_file(tmp_path: Path) -> None:
    path, times = tmp_path / "tacs.voistat", tmp_path / "tacs.acqtimes"
    path.write_text(VOISTAT)
    times.write_text("# Acquisition times\n6 # Number\n" + "".join(f"{s}\t{e}\n" for s, e, *_ in BODY))
    table = read_curves(path, "cer", frame_times=times)
    assert table.notes == ()
    np.testing.assert_allclose(table.frames.end_min, [1, 3, 7, 15, 30, 60])
    times.write_text("# Acquisition times\n1 # Number\n0\t600\n")
    with pytest.raises(MorbidsError, match=r"has 1 frames, but .* has 6"):
        read_curves(path, "cer", frame_times=times)


def test_middles_of_frames_with_a_pause_are_refused(tmp_path: Path) -> None:
    lines = six_frames("time[s]\tcer\tput", "{5}\t{2}\t{3}").splitlines()
    with pytest.raises(
        MorbidsError, match=r"middles of its frames only.*Give starts and ends with --frame-times"
    ):
        read(tmp_path, "\n".join([*lines[:3], *lines[4:]]))


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("\n180.0\t420", "\n100.0\t420", "frame 3 starts before frame 2 ends"),
        ("\n180.0\t420", "\n180\t120", "frame 3 ends at 120 s, not after its start at 180 s"),
        ("\n180.0\t420.0", "\n180\tsoon", "column 'frame_end' holds 'soon' in row 4"),
        (
            "frame_end",
            "until",
            "does not say when its frames start and end; its columns are frame_start, until",
        ),
        ("cer", "cerebellum", r"no column 'cer'.*cerebellum, put"),
        ("\tput", "\tweights", "no curve beside the reference region"),
        ("1800.0\t3600", "1800\t360000", "the last frame ends 6000 min after injection"),
    ],
)
def test_bad_tables_get_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    with pytest.raises(MorbidsError, match=sentence):
        read(tmp_path, PLAIN.replace(old, new))


def test_a_stated_unit_is_believed(tmp_path: Path) -> None:
    path = tmp_path / "tacs.txt"
    path.write_text(six_frames("start\tend\tcer\tput", per=60))
    with pytest.raises(MorbidsError, match="the last frame ends 1 min after injection"):
        read_curves(path, "cer", time_unit="s")
    assert read_curves(path, "cer", time_unit="min").notes == ()


def test_a_reference_without_activity_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="'cer' is nowhere above zero"):
        read(tmp_path, six_frames("start\tend\tcer\tput", "{0}\t{1}\t0\t{3}"))


def test_no_whole_region_is_told_with_the_first_reason(tmp_path: Path) -> None:
    with pytest.raises(MorbidsError, match="column 'put' holds 'n/a' in row 3"):
        read(tmp_path, PLAIN.replace("\t50\n", "\tn/a\n"))

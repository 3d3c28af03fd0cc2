"""The group level as a whole on maps of another program: results, page, first page, a second run."""

import json
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from morbids.bids.filters import Filters
from morbids.bids.names import output_path, sidecar_path
from morbids.bids.tables import read_table
from morbids.errors import ExitCode, MorbidsError
from morbids.figures.command import main as draw_figure
from morbids.figures.contrasts import Contrast
from morbids.figures.drawings import Look, draw_regions
from morbids.group.run import run_group
from morbids.imaging.images import read_image
from morbids.numerics.arrays import BoolArray
from morbids.reports.figures.place_table import VIEWS
from morbids.reports.index_of_dataset import write_index
from morbids.settings import GroupSettings, Resources, Study
from tests.reports.reading import check_offline, read_page
from tests.reports.test_volumes import at, read_pack

pytestmark = pytest.mark.graph

N = 10
SHAPE, VOXEL_MM = (20, 24, 20), 8.0
AFFINE = np.array([[8.0, 0, 0, -76], [0, 8, 0, -106], [0, 0, 8, -70], [0, 0, 0, 1]])
THALAMUS_MM = (0.0, -14.0, 8.0)
SETTINGS = GroupSettings(
    n_permutations=60,
    group_smoothing_fwhm_mm=0.0,
    traits=("score",),
    contrasts=("baselineMinusTask*",),
    small_volumes=("MidlineThalamus",),
)
CONTRAST = {"model": "differences", "contrast": "baselineMinusTask"}


class Finished:
    """A run of the group level and where it left its results."""

    def __init__(self, root: Path) -> None:
        write_dataset(root)
        self.study = Study(root / "raw", root / "out", Filters(), "run.py raw out group", (root / "maps",))
        self.resources = Resources(n_procs=2, omp_n_threads=1, mem_gb=4.0, work_dir=root / "work")
        self.exit_code = self.run()

    def run(self) -> ExitCode:
        with Path("/dev/null").open("w") as nowhere:
            return run_group(self.study, SETTINGS, self.resources, Console(file=nowhere))

    def path(self, role: str, **more: str) -> Path:
        return output_path(self.study.output_dir, {}, role, CONTRAST | more)


def near_thalamus() -> BoolArray:
    places = np.moveaxis(np.indices(SHAPE), 0, -1) @ AFFINE[:3, :3].T + AFFINE[:3, 3]
    return np.asarray(np.linalg.norm(places - np.array(THALAMUS_MM), axis=-1) < 13)


def write_dataset(root: Path) -> None:
    """Difference maps without sidecars, zeros outside; activation of the thalamus that follows a score."""
    rng = np.random.default_rng(0)
    scores = rng.normal(size=N)
    (root / "raw").mkdir()
    (root / "raw" / "dataset_description.json").write_text('{"Name": "Other", "BIDSVersion": "1.10.0"}')
    lines = [f"sub-{n}\t{score:.3f}" for n, score in enumerate(scores, 1)]
    (root / "raw" / "participants.tsv").write_text("\n".join(["participant_id\tscore", *lines]) + "\n")
    for n, score in enumerate(scores, 1):
        values = rng.normal(0, 0.1, SHAPE) + near_thalamus() * (3.0 + 0.5 * score)
        values[:, :, :2] = 0
        stem = f"sub-{n}_space-MNI152NLin6Asym_meas-BPND_desc-baselineMinusTask_mimap.nii.gz"
        path = root / "maps" / f"sub-{n}" / "pet" / stem
        path.parent.mkdir(parents=True)
        nib.save(nib.Nifti1Image(values.astype(np.float32), AFFINE), path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    with pytest.MonkeyPatch.context() as patch:
        # Only the template that comes with the installation: tests need no network.
        patch.setenv("TEMPLATEFLOW_HOME", str(tmp_path_factory.mktemp("templateflow")))
        yield Finished(tmp_path_factory.mktemp("group"))


def test_the_effect_is_found_where_it_was_put(finished: Finished) -> None:
    assert finished.exit_code == ExitCode.OK
    first = read_table(finished.path("clusters")).iloc[0]
    assert first["direction"] == "activation"
    assert "Thalamus" in f"{first['AAL']} {first['HarvardOxford']}"
    assert np.linalg.norm([first["x_mm"], first["y_mm"] + 14, first["z_mm"] - 8]) < 14
    volume = read_table(finished.path("regions", desc="smallvolumes")).iloc[0]
    # 2^9 sign patterns of ten maps.
    assert volume["p_small_volume"] == pytest.approx(1 / 512, rel=1e-4)


def test_regions_come_from_the_maps_where_there_are_no_tables(finished: Finished) -> None:
    tests = read_table(finished.path("regions")).set_index("name")
    assert tests.loc["MidlineThalamus", "effect"] == pytest.approx(3.0, abs=0.6)
    sidecar = json.loads(sidecar_path(finished.path("regions", desc="values")).read_text())
    assert "unsmoothed maps in spheres" in sidecar["Description"]


def test_sources_are_in_a_dataset_that_the_description_names(finished: Finished) -> None:
    sidecar = json.loads(sidecar_path(finished.path("statistical_map", stat="t")).read_text())
    description = json.loads((finished.study.output_dir / "dataset_description.json").read_text())
    root = finished.study.output_dir / description["DatasetLinks"]["maps"]
    for uri in sidecar["Sources"]:
        assert (root / uri.removeprefix("bids:maps:")).is_file()


def test_the_mask_leaves_out_what_other_software_wrote_as_zero(finished: Finished) -> None:
    mask = read_image(finished.path("group_mask")).values
    assert mask[:, :, 4:].any()
    assert not mask[:, :, :2].any()


def test_the_page_says_what_was_found_and_what_is_circular(finished: Finished) -> None:
    page = read_page(finished.study.output_dir / "group.html")
    check_offline(page, finished.study.output_dir)
    text = page.text
    assert "Activation in Midline thalamus" in text
    assert "are one family of 16 tests" in text
    assert "Outlined claimed: |t| ≥" in text
    record = json.loads(sidecar_path(claims_path(finished)).read_text())["Claims"]
    assert record["Sentence"] in text
    for told in record["Contrasts"]:
        assert told["Finding"] in text
    assert "no baseline maps, so --mask-threshold was not applied" in text
    assert "Midline thalamus" in text
    assert text.index("independent region") < text.index("Circular: correlations within the cluster itself")


def claims_path(finished: Finished) -> Path:
    return output_path(finished.study.output_dir, {}, "claims", {"model": "differences"})


def test_the_record_the_marks_and_the_outline_agree(finished: Finished) -> None:
    table = read_table(claims_path(finished))
    brain = table[(table["test"] == "map") & (table["contrast"] == CONTRAST["contrast"])].iloc[0]
    assert brain["claimed"] == "yes"
    claimed = read_image(finished.path("claimed_mask")).values > 0.5
    t = read_image(finished.path("statistical_map", stat="t")).values
    record = json.loads(sidecar_path(claims_path(finished)).read_text())["Claims"]["Contrasts"][0]
    critical = record["WholeBrain"]["Critical"]
    assert np.array_equal(claimed, np.abs(np.nan_to_num(t)) >= critical)
    clusters = read_table(finished.path("clusters")).drop_duplicates("cluster")
    numbers = clusters["cluster"][clusters["claimed"] == "yes"].tolist()
    assert numbers == [place["cluster"] for place in record["WholeBrain"]["ClaimedClusters"]]
    labels = read_image(finished.path("statistical_map", stat="clusters")).values
    assert set(np.unique(labels[claimed])) == set(numbers)


def test_the_sentence_the_outline_the_table_and_the_record_say_the_same(finished: Finished) -> None:
    page = read_page(finished.study.output_dir / "group.html")
    record = json.loads(sidecar_path(claims_path(finished)).read_text())["Claims"]["Contrasts"][0]
    assert record["Finding"] in page.text
    shown = next(table for table in page.tables if table[0][:2] == ["Cluster", "Claimed"])
    marked = [int(row[0].partition(" ")[0]) for row in shown[1:] if row[1] == "yes"]
    places = record["WholeBrain"]["ClaimedClusters"]
    assert marked == [place["cluster"] for place in places] != []
    assert f"whole brain: {len(marked)} cluster" in record["Finding"]
    claimed = read_image(finished.path("claimed_mask"))
    for place in places:
        voxel = np.linalg.solve(claimed.affine, [*place["peak_mm"], 1.0])[:3].round().astype(int)
        assert claimed.values[tuple(voxel)] == 1, "the outline runs around the peak of what is named"
    regions = next(table for table in page.tables if table[0][0] == "Region" and "Claimed" in table[0])
    column = regions[0].index("Claimed")
    labels = [row[0].removesuffix(" ⊕") for row in regions[1:] if row[column] != "n/a"]
    table = read_table(claims_path(finished))
    own = table[(table["contrast"] == CONTRAST["contrast"]) & (table["claimed"] == "yes")]
    assert labels == own["label"][own["test"] == "region"].tolist() != []
    for label in labels:
        assert label in record["Finding"]


def test_the_interactive_brain_has_the_maps_of_the_contrast_and_everyones(finished: Finished) -> None:
    pack = read_pack(finished.path("group_pack", desc="maps"))
    names = [volume["name"] for volume in pack["volumes"]]
    assert names == ["t", "change of BP_ND", "p corrected in this contrast", "claimed"]
    peak = read_table(finished.path("clusters")).iloc[0]
    t = pack["volumes"][0]
    assert at(t, (peak["x_mm"], peak["y_mm"], peak["z_mm"])) == pytest.approx(peak["t"], abs=t["high"] / 127)
    everyone = read_pack(finished.path("group_pack", desc="everyone"))
    assert everyone["people"] == [f"sub-{n}" for n in (1, 10, *range(2, 10))]
    anatomy = output_path(
        finished.study.output_dir, {}, "group_pack", {"model": "differences", "desc": "anatomy"}
    )
    assert "Thalamus L" in read_pack(anatomy)["names"].values()
    html = (finished.study.output_dir / "group.html").read_text()
    assert f'data-mm="{peak["x_mm"]},{peak["y_mm"]},{peak["z_mm"]}"' in html
    # The slope shows the same people.
    assert html.count(finished.path("group_pack", desc="everyone").name) == 2


def draw(finished: Finished, *words: str) -> ExitCode:
    return ExitCode(draw_figure([str(finished.study.output_dir), *words]))


def test_a_figure_of_a_place_is_drawn_anew_with_letters_and_everyones_values(
    finished: Finished, tmp_path: Path
) -> None:
    out = tmp_path / "place.svg"
    words = (
        "place",
        "--contrast",
        "baselineMinusTaskByScore",
        "--place",
        "MidlineThalamus",
        "--size",
        "8",
        "3",
    )
    assert draw(finished, *words, "--views", "axial", "-o", str(out)) == ExitCode.OK
    drawing = out.read_text()
    assert 'width="576pt" height="216pt"' in drawing
    for letters in ("Midline thalamus", "z 8", "score", "not adjusted"):
        assert letters in drawing, letters
    assert ">y −14<" not in drawing
    table = read_table(finished.path("regions", desc="places"))
    values = read_table(finished.path("regions", desc="values")).set_index("scan")
    own = table[table["place"] == "MidlineThalamus"].set_index("scan")
    # Maps of another program have no windows: the one condition is the change itself.
    assert own["change of BP_ND"].to_dict() == pytest.approx(values["MidlineThalamus"].to_dict(), rel=1e-4)


KINDS = {
    "map": ("--threshold", "3", "--range", "8", "--views", "axial"),
    "effect": ("--views", "coronal", "--range", "5"),
    "regions": ("--size", "5", "4"),
    "place": ("--place", "MidlineThalamus"),
}


@pytest.mark.parametrize("ending", ["svg", "pdf", "png"])
@pytest.mark.parametrize("what", KINDS)
def test_every_figure_is_written_in_every_format(
    finished: Finished, what: str, ending: str, tmp_path: Path
) -> None:
    out = tmp_path / f"figure.{ending}"
    words = (what, "--contrast", CONTRAST["contrast"], *KINDS[what], "--dpi", "72", "-o", str(out))
    assert draw(finished, *words) == ExitCode.OK
    start = out.read_bytes()[:5]
    assert start == {"svg": b"<?xml", "pdf": b"%PDF-", "png": b"\x89PNG\r"}[ending]
    if ending == "pdf":
        assert b"/Type /Font" in out.read_bytes(), "letters stay letters"
    if ending == "svg":
        letters = {
            "regions": "Midline thalamus",
            "map": "claimed",
            "effect": "claimed",
            "place": "Midline thalamus",
        }
        assert letters[what] in out.read_text()


def test_a_figure_has_the_size_and_the_resolution_that_are_asked_for(
    finished: Finished, tmp_path: Path
) -> None:
    out = tmp_path / "regions.png"
    words = (
        "regions",
        "--contrast",
        CONTRAST["contrast"],
        "--size",
        "5",
        "4",
        "--dpi",
        "100",
        "-o",
        str(out),
    )
    assert draw(finished, *words) == ExitCode.OK
    with Image.open(out) as picture:
        assert picture.size == (500, 400)


def test_regions_of_f_have_no_effect_to_draw(tmp_path: Path) -> None:
    path = output_path(tmp_path, {}, "regions", {"model": "differences", "contrast": "among"})
    path.parent.mkdir(parents=True)
    path.write_text("name\tlabel\tn\tf\tp\nPAG\tPAG\t9\t4.0\t0.03\n")
    contrast = Contrast(tmp_path, "differences", "among", {}, {})
    with pytest.raises(MorbidsError, match="'among' asks by F"):
        draw_regions(contrast, Look(None, VIEWS, None, None, None))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("place", "--contrast", CONTRAST["contrast"], "--place", "Nose"), "There is no place 'Nose'"),
        (
            ("regions", "--contrast", CONTRAST["contrast"], "--views", "axial"),
            "--views has no use for 'regions'",
        ),
        (("map",), "There are several contrasts"),
        (("map", "--contrast", "nothing"), "There is no contrast 'nothing'"),
    ],
)
def test_what_cannot_be_drawn_is_told(
    finished: Finished, words: tuple[str, ...], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert draw(finished, *words) == ExitCode.USAGE
    assert told in caplog.text


def test_the_first_page_leads_to_the_group(finished: Finished) -> None:
    page = read_page(finished.study.output_dir / "index.html")
    assert "group.html" in page.hrefs


def test_a_second_run_repeats_nothing_but_saving(finished: Finished) -> None:
    t = finished.path("statistical_map", stat="t")
    before = t.stat().st_mtime_ns
    t.unlink()
    pieces = sorted(finished.resources.work_dir.glob("**/permute*/*.npz"))
    times = [path.stat().st_mtime_ns for path in pieces]
    assert finished.run() == ExitCode.OK
    assert pieces
    assert [path.stat().st_mtime_ns for path in pieces] == times
    assert t.stat().st_mtime_ns == before


def test_participants_are_listed_with_their_concerns(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    study = Study(tmp_path / "raw", tmp_path / "out", Filters(), "")
    for label, concern in (("01", "n/a"), ("02", "The head moved by 9 mm.")):
        source = {"sub": label, "task": "rest"}
        output_path(study.output_dir, source, "participant_page").write_text("<html></html>")
        table = output_path(study.output_dir, source, "quality")
        table.parent.mkdir(parents=True)
        table.write_text(f"step\tfinding\tconcern\nmotion\t9 mm\t{concern}\n")
    output_path(study.output_dir, {"sub": "03"}, "participant_page").write_text("<html></html>")
    page = read_page(write_index(study.output_dir, study.bids_dir.name))
    rows = {row[0]: row[1:] for row in page.tables[0][1:]}
    assert "pass" in rows["sub-01"][0]
    assert "look" in rows["sub-02"][0]
    assert rows["sub-02"][2] == "rest: The head moved by 9 mm."
    assert "failed" in rows["sub-03"][0]

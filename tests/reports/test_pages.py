"""Pages: blocks become HTML that is safe, offline and whole."""

import math
import shutil
import subprocess
from pathlib import Path

import pytest

from morbids.errors import ExitCode, MorbidsError
from morbids.reports.pages import (
    Alert,
    Badge,
    Block,
    Facts,
    Figure,
    Flicker,
    Folded,
    Link,
    Listing,
    Page,
    PValue,
    Quantity,
    Quotation,
    Section,
    Table,
    Text,
    notation,
    write_page,
)
from tests.reports.reading import ReadPage, check_offline, picture, read_page


def write(tmp_path: Path, *blocks: Block) -> ReadPage:
    out = write_page(
        Page("sub-01", "a study", (Section("Results", "lead", blocks),)), tmp_path / "sub-01.html"
    )
    return read_page(out)


def test_figures_are_linked_relatively_even_with_spaces_in_names(tmp_path: Path) -> None:
    shown = picture(tmp_path, "a b.svg")
    page = write(tmp_path, Figure(shown, "A caption.", "What it shows, in words."))
    assert page.images[0]["src"] == "sub-01/figures/a%20b.svg"
    assert page.images[0]["alt"] == "What it shows, in words."
    assert "A caption." in page.text
    check_offline(page, tmp_path)


def test_a_figure_that_was_not_made_is_a_sentence_and_no_broken_image(tmp_path: Path) -> None:
    there = picture(tmp_path, "there.png")
    gone = tmp_path / "gone.png"
    page = write(tmp_path, Figure(gone, "c", "a"), Flicker(there, gone, "one", "two", "c", "a"))
    assert page.text.count("The figure gone.png was not made.") == 2
    assert page.images == []


def test_a_flicker_has_both_images_and_a_button_for_each(tmp_path: Path) -> None:
    page = write(
        tmp_path,
        Flicker(
            picture(tmp_path, "a.png"), picture(tmp_path, "b.png"), "T1w", "PET", "Compare.", "Two images."
        ),
    )
    assert [Path(image["src"]).name for image in page.images] == ["a.png", "b.png"]
    assert page.images[1]["alt"].endswith("PET.")
    assert page.html.count('data-show="') == 3
    check_offline(page, tmp_path)


def test_text_of_files_and_errors_cannot_become_markup(tmp_path: Path) -> None:
    evil = '<script>alert("x")</script>'
    page = write(
        tmp_path,
        Alert("fail", evil, evil),
        Table((evil,), ((evil,), (Link(evil, "#results"),), (Badge("flag", evil),)), evil),
        Facts(((evil, evil),)),
        Text((evil,)),
        Quotation((evil,)),
        Listing(evil),
        Folded(evil, (Text((evil,)),)),
    )
    assert page.html.count("<script>") == 1  # the page's own
    assert page.text.count(evil) == 14


def test_numbers_of_a_column_share_their_decimals_and_sort_in_full(tmp_path: Path) -> None:
    rows = (
        ("PAG", 0.07771, 18, PValue(0.0004), None),
        ("thalamus", -0.157, 1204, PValue(0.024), math.nan),
        ("insula", float("inf"), 7, PValue(math.nan), 17.0),
    )
    page = write(tmp_path, Table(("Region", "BP_ND", "n", "p", "df"), rows))
    assert page.tables[0] == [
        ["Region", "BPND", "n", "p", "df"],
        ["PAG", "0.078", "18", "< .001", "n/a"],
        ["thalamus", "−0.157", "1 204", ".024", "n/a"],
        ["insula", "∞", "7", "n/a", "17"],
    ]
    assert page.sort_keys[0][1:] == [
        ["PAG", "0.07771", "18.0", "0.0004", ""],
        ["thalamus", "-0.157", "1204.0", "0.024", ""],
        ["insula", "inf", "7.0", "", "17.0"],
    ]


def test_quantities_are_shown_by_their_own_size_and_sorted_by_it(tmp_path: Path) -> None:
    rows = (("volume", Quantity(1204.4, "mL")), ("overlap", Quantity(0.951)), ("noise", Quantity(None)))
    page = write(tmp_path, Table(("Measure", "Value"), rows))
    assert [row[1] for row in page.tables[0][1:]] == ["1204 mL", "0.951", "n/a"]
    assert [row[1] for row in page.sort_keys[0][1:]] == ["1204.4", "0.951", ""]


def test_very_small_columns_keep_their_digits(tmp_path: Path) -> None:
    page = write(tmp_path, Table(("Ki",), ((2.31e-5,), (4.0e-6,))))
    assert [row[0] for row in page.tables[0][1:]] == ["2.3 × 10^−5", "4.0 × 10^−6"]


def test_an_empty_table_says_so_and_links_its_file(tmp_path: Path) -> None:
    file = tmp_path / "clusters.tsv"
    file.touch()
    page = write(tmp_path, Table(("x", "y"), (), file=file))
    assert page.tables[0][1] == ["nothing to list"]
    assert "clusters.tsv" in page.hrefs


def test_sections_with_one_title_have_their_own_anchors_and_the_navigation_reaches_them(
    tmp_path: Path,
) -> None:
    part = Section("Maps", blocks=(Text(("one",)),))
    other = Section("Maps", blocks=(Text(("two",)),))
    sections = (
        Section("Scan A", parts=(part,)),
        Section("Scan A", parts=(other,)),
        Section("µ ?", level="flag"),
    )
    page = read_page(write_page(Page("t", "s", sections), tmp_path / "t.html"))
    check_offline(page, tmp_path)
    assert {"scan-a", "scan-a-2", "scan-a-maps", "scan-a-maps-2", "section"} <= set(page.ids)
    assert [href for href in page.hrefs if href.startswith("#scan-a")] == [
        "#scan-a",
        "#scan-a-maps",
        "#scan-a-2",
        "#scan-a-maps-2",
    ]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("BP_ND of [11C]carfentanil", "BP<sub>ND</sub> of [<sup>11</sup>C]carfentanil"),
        ("k2' and R1", "k<sub>2</sub>′ and R<sub>1</sub>"),
        ("C_T < C_R", "C<sub>T</sub> &lt; C<sub>R</sub>"),
        ("sub-R1x_BPNDs.nii", "sub-R1x_BPNDs.nii"),
    ],
)
def test_symbols_are_set_as_in_papers(text: str, html: str) -> None:
    assert str(notation(text)) == html


def test_a_page_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MorbidsError, match=r"x\.html cannot be written") as caught:
        write_page(Page("t", "s", ()), tmp_path / "file" / "x.html")
    assert caught.value.exit_code == ExitCode.CANNOT_WRITE


def test_writing_leaves_nothing_else_behind(tmp_path: Path) -> None:
    write_page(Page("t", "s", ()), tmp_path / "t.html")
    assert [path.name for path in tmp_path.iterdir()] == ["t.html"]


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs a browser")
def test_a_browser_sorts_by_number_and_holds_a_flicker(tmp_path: Path) -> None:
    rows = (("a", 0.5), ("b", None), ("c", -3.0), ("d", 11.0))
    images = (picture(tmp_path, "a.png"), picture(tmp_path, "b.png"))
    blocks = (Table(("Region", "Effect"), rows), Flicker(*images, "T1w", "PET", "c", "a"))
    out = write_page(Page("t", "s", (Section("Results", blocks=blocks),)), tmp_path / "t.html")
    actions = """
      const order = () => [...document.querySelector("table").tBodies[0].rows].map(r => r.cells[0].textContent);
      const press = (selector, i) => document.querySelectorAll(selector)[i].click();
      press("th button", 1); const rising = order().join("");
      press("th button", 1); const falling = order().join("");
      press(".switch button", 2);
      const second = getComputedStyle(document.querySelector(".second"));
      document.title = [rising, falling, second.opacity, second.animationName].join(" ");
    """
    out.write_text(out.read_text().replace("</body>", f"<script>{actions}</script></body>"))
    browser = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    shown = subprocess.run(
        [*browser, "--no-first-run", profile, "--dump-dom", out.as_uri()], capture_output=True
    )
    assert "<title>cadb dacb 1 none</title>" in shown.stdout.decode()

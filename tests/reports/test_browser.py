"""Pages as a reader meets them: in a browser, from disk.

`MORBIDS_OUTPUT` adds the pages of a finished study, `MORBIDS_SCREENSHOTS` names a folder for pictures of all of them at
two widths, `MORBIDS_AXE` is axe-core's script (`.ci/browser` sets it).
"""

import base64
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from morbids.imaging.images import read_image
from morbids.reports.figures.anatomy import draw_brain
from morbids.reports.figures.style import write_figure
from morbids.reports.pages import Figure, Page, Section, Table, Text, Viewer, write_page
from morbids.reports.volumes import Layer, grid_of, pack_layers, pack_people
from tests.reports.conftest import Head

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver (Debian: chromium-driver)"
    ),
]
AXE = os.environ.get("MORBIDS_AXE")
PEOPLE = ("sub-01", "sub-02", "sub-03")
PEAK = (20.0, -20.0, 10.0)
WIDTHS = (1440, 390)


class Browser:
    """A headless Chromium."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, page: Path, width: int = 1440, anchor: str = "") -> None:
        self.driver.set_window_size(width, 1000)
        self.driver.get("about:blank")
        self.read_log()
        self.driver.get(page.as_uri() + anchor)

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def wait_for(self, condition: str) -> None:
        WebDriverWait(self.driver, 30).until(lambda _: self.run(f"return {condition}"))

    @property
    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.read_log() if entry["level"] in ("SEVERE", "WARNING")]

    def read_log(self) -> list[dict[str, Any]]:
        """What the console holds since it was read last."""
        return list(self.driver.get_log("browser"))  # type: ignore[no-untyped-call]

    def open_viewer(self) -> None:
        self.run("document.querySelector('.viewer button.open').click()")
        self.wait_for("document.querySelector('.viewer').dataset.ready === 'yes'")

    def pixels(self) -> list[list[int]]:
        """Of each slice."""
        return list(
            self.run(
                "return [...document.querySelectorAll('.planes canvas')].map((canvas) => [...canvas.getContext('2d')"
                ".getImageData(0, 0, canvas.width, canvas.height).data])"
            )
        )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM or ""
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--hide-scrollbars",
    ):
        options.add_argument(word)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield Browser(driver)
    driver.quit()


def make_study(head: Head, folder: Path) -> Path:
    """A page with what pages have: a picture, folded sections, a table with places, an interactive brain."""
    image = read_image(head.mask)
    straight = folder / "straight.nii.gz"
    nib.save(nib.Nifti1Image(image.values, np.diag([5.0, 5.0, 5.0, 1.0]) + _shift()), straight)
    mask = read_image(straight)
    grid = grid_of(mask, mask.values > 0)
    layers = [Layer("t", head.signed, "signed", 0.2), Layer("effect", head.signed, "signed")]
    anatomy = pack_layers(
        [Layer("anatomy", head.t1w, "anatomy"), Layer("atlas", head.dseg, "labels")],
        grid,
        folder / "anatomy.js",
        {1: "Cortex", 2: "White"},
    )
    maps = pack_layers([*layers, Layer("claimed", head.mask, "labels")], grid, folder / "maps.js")
    everyone = pack_people(
        ["baseline", "challenge"], [head.signed] * 6, PEOPLE, "BP_ND", grid, folder / "everyone.js"
    )
    picture = write_figure(draw_brain(head.t1w, head.mask, head.dseg), folder / "brain.png")
    table = Table(("Cluster", "t"), (("one", 0.4), ("two", -0.3)), "Clusters", places=(PEAK, None))
    brain = Viewer((anatomy, maps), "Press in a slice.", everyone)
    figure = Figure(picture, "The head.", "A head in slices, with outlines.")
    folded = Section("First", "A finding.", (brain, table), folded=True)
    other = Section("Second", "Nothing is claimed.", (figure, Text(("Words.",))), folded=True)
    wide = Table(tuple(f"Column {n}" for n in range(25)), (("a scan",) + (0.123456789,) * 24,), "Wide table")
    more = tuple(Section(f"Trait {n}", f"Slope {n}.", (wide,), folded=True) for n in range(4))
    sections = (Section("Questions", parts=(folded, other, *more)),)
    page = Page("A study", "six questions", sections, summary=(figure,))
    return write_page(page, folder / "study.html")


def _shift() -> np.ndarray:
    shift = np.zeros((4, 4))
    shift[:3, 3] = [-120.0, -140.0, -110.0]
    return shift


@pytest.fixture(scope="module")
def study(head: Head, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_study(head, tmp_path_factory.mktemp("browser"))


def all_pages(study: Path) -> list[Path]:
    output = os.environ.get("MORBIDS_OUTPUT")
    return [study, *(sorted(Path(output).resolve().glob("*.html")) if output else [])]


def test_pages_load_from_disk_without_a_complaint_and_every_picture_is_there(
    browser: Browser, study: Path
) -> None:
    for page in all_pages(study):
        browser.open(page)
        broken = browser.run(
            "return Promise.all([...document.images].map((image) => image.decode().then(() => null, () => image.src)))"
        )
        assert [source for source in broken if source] == [], page
        assert browser.complaints == [], page


@pytest.mark.skipif(AXE is None, reason="needs axe-core's axe.min.js in MORBIDS_AXE")
def test_a_reader_with_a_disability_is_not_shut_out(browser: Browser, study: Path) -> None:
    for page in all_pages(study):
        browser.open(page)
        browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
        if browser.run("return document.querySelectorAll('.viewer').length"):
            browser.open_viewer()
        assert find_serious(browser) == [], page


def find_serious(browser: Browser) -> list[Any]:
    """Serious findings of axe-core on the page as it is."""
    browser.run(Path(AXE or "").read_text(encoding="utf-8"))
    found = browser.driver.execute_async_script(
        "const done = arguments[0]; axe.run().then((told) => done(told.violations.map((one) => "
        "[one.impact, one.id, one.nodes[0].html])))"
    )
    return [one for one in found if one[0] in ("serious", "critical")]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_falls_off_the_side(browser: Browser, study: Path, width: int) -> None:
    for page in all_pages(study):
        browser.open(page, width)
        browser.run("for (const details of document.querySelectorAll('details.fold')) details.open = true")
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), page
        folder = os.environ.get("MORBIDS_SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            browser.driver.save_screenshot(str(Path(folder) / f"{page.stem}_{width}.png"))


def test_on_a_phone_every_column_of_a_table_is_on_the_screen(browser: Browser, study: Path) -> None:
    for page in all_pages(study):
        browser.open(page, WIDTHS[-1])
        browser.run("for (const details of document.querySelectorAll('details')) details.open = true")
        off = browser.run(
            "return [...document.querySelectorAll('table[role=table] td')].filter((cell) => "
            "cell.getBoundingClientRect().right > innerWidth).map((cell) => cell.outerHTML)"
        )
        assert off == [], page


def test_a_table_is_saved_with_its_numbers_in_full(browser: Browser, study: Path) -> None:
    browser.open(study)
    browser.run(
        "window.saved = []; URL.createObjectURL = (blob) => { window.saved.push(blob); return '#'; };"
        "document.querySelectorAll('button.save')[1].click()"
    )
    text = browser.driver.execute_async_script("window.saved[0].text().then(arguments[0])")
    heads, values = (line.split("\t") for line in text.splitlines())
    assert heads[:2] == ["Column 0", "Column 1"]
    assert values == ["a scan"] + ["0.123456789"] * 24


def test_questions_are_filtered_by_their_words(browser: Browser, study: Path) -> None:
    browser.open(study)
    browser.run(
        "const input = document.querySelector('.filter input'); input.value = 'slope 2';"
        "input.dispatchEvent(new Event('input'))"
    )
    shown = (
        "return [...document.querySelectorAll('details.fold')].filter((one) => one.offsetParent)"
        ".map((one) => one.parentElement.id)"
    )
    assert browser.run(shown) == ["questions-trait-2"]
    assert browser.run("return document.querySelector('.filter [role=status]').textContent") == "1 of 6"


def test_paper_holds_every_picture_and_every_folded_section(browser: Browser, study: Path) -> None:
    for page in all_pages(study):
        browser.open(page)
        n_pictures = browser.run(
            "return new Set([...document.images].map((one) => one.src).filter((one) => one.endsWith('.png'))).size"
        )
        printed = base64.b64decode(browser.driver.print_page())
        assert printed.count(b"/Subtype /Image") >= n_pictures > 0 or n_pictures == 0, page


def test_in_the_dark_contrast_is_kept(browser: Browser, study: Path) -> None:
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    try:
        browser.open(study)
        paper, ink = browser.run(
            "const style = getComputedStyle(document.body); return [style.backgroundColor, style.color]"
        )
        assert sum(map(int, re.findall(r"\d+", paper))) < 150 < 500 < sum(map(int, re.findall(r"\d+", ink)))
        if AXE:
            assert find_serious(browser) == []
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_a_link_opens_what_is_folded_and_paper_has_everything(browser: Browser, study: Path) -> None:
    browser.open(study, anchor="#questions-second")
    state = "[...document.querySelectorAll('details.fold')].slice(0, 2).map((one) => one.open).join()"
    assert browser.run(f"return {state}") == "false,true"
    browser.run("document.querySelector('a[rel=prev]').click()")
    browser.wait_for(f"{state} === 'true,true'")
    browser.open(study)
    browser.run("dispatchEvent(new Event('beforeprint'))")
    assert browser.run(f"return {state}") == "true,true"
    browser.run("dispatchEvent(new Event('afterprint'))")
    assert browser.run(f"return {state}") == "false,false"


def test_the_interactive_brain_shows_maps_and_its_sliders_change_them(browser: Browser, study: Path) -> None:
    browser.open(study, anchor="#questions-first")
    browser.open_viewer()
    assert browser.complaints == []
    before = browser.pixels()
    assert len(before) == 3
    planes = [np.array(plane).reshape(-1, 4)[:, :3] for plane in before]
    assert all(len(np.unique(plane, axis=0)) > 20 for plane in planes), "anatomy is there"
    coloured = [float((np.ptp(plane, axis=1) > 40).mean()) for plane in planes]
    # The map has the sign of world x: there is nothing of it in the sagittal slice through the middle.
    assert coloured[2] < 0.05 < min(coloured[:2]) <= max(coloured) < 0.98
    for name in ("Opacity", "Threshold"):
        browser.run(
            "const slider = document.querySelector(`input[aria-label=${arguments[0]}]`); slider.value = slider.max / 3;"
            "slider.dispatchEvent(new Event('input'))",
            name,
        )
        after = browser.pixels()
        assert after != before, name
        before = after


def test_left_is_left_and_signs_are_told_apart(browser: Browser, study: Path) -> None:
    """The map has the sign of world x: blue left of the middle, red right of it, in the axial slice."""
    browser.open(study, anchor="#questions-first")
    browser.open_viewer()
    width = browser.run("return document.querySelector('.planes canvas').width")
    axial = np.array(browser.pixels()[0]).reshape(-1, width, 4)
    middle = axial[axial.shape[0] // 2 + 12]
    red = middle[:, 0].astype(int) - middle[:, 2]
    assert red[width // 4] < -40
    assert red[3 * width // 4] > 40


def test_a_row_and_a_press_move_the_crosshair_and_everyone_is_joined(browser: Browser, study: Path) -> None:
    browser.open(study)
    browser.run(
        "document.querySelector('details.fold').open = true; document.querySelector('button.go').click()"
    )
    browser.wait_for("document.querySelector('.viewer').dataset.ready === 'yes'")
    told = "document.querySelector('.readout').textContent"
    browser.wait_for(f"{told}.startsWith('(20, −20, 10) mm')")
    words = browser.run(f"return {told}")
    assert " · White · " in words
    # World x / 60 mm, in steps of 1/127 of its largest value.
    assert float(words.split("· t ")[1].split(" ")[0]) == pytest.approx(20 / 60, abs=0.05)
    lines = "[...document.querySelectorAll('.chart polyline')].map((line) => line.dataset.person).join()"
    assert browser.run(f"return {lines}") == ",".join(PEOPLE)
    assert browser.run("return document.querySelectorAll('.chart circle').length") == 2 * len(PEOPLE)
    browser.run(
        "const canvas = document.querySelector('.planes canvas'), box = canvas.getBoundingClientRect();"
        "canvas.setPointerCapture = () => {};"
        "canvas.dispatchEvent(new PointerEvent('pointerdown', {clientX: box.left + 0.25 * box.width, clientY: box.top +"
        " 0.5 * box.height, pointerId: 1}))"
    )
    x = int(browser.run(f"return {told}").split(",")[0].strip("(").replace("−", "-"))
    assert x < -20

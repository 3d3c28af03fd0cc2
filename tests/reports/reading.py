"""A page as a reader meets it: its text, links, images and tables."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from morbids.reports.findings import Provenance

PROVENANCE = Provenance(
    "9.9.9",
    "morbids in out participant",
    (("t_star_min", "10"),),
    "embedded template",
    (("numpy", "2"),),
    "today",
)


@dataclass
class ReadPage:
    """What a page holds."""

    html: str
    text: str = ""
    ids: list[str] = field(default_factory=list)
    hrefs: list[str] = field(default_factory=list)
    images: list[dict[str, str]] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    sort_keys: list[list[list[str]]] = field(default_factory=list)
    other_sources: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self, page: ReadPage) -> None:
        super().__init__()
        self.page = page
        self.silent = 0
        self.in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in {"dd", "dt", "td", "th", "p", "li", "caption"}:
            self.page.text += " "
        if "id" in values:
            self.page.ids.append(values["id"])
        if tag == "a":
            self.page.hrefs.append(values["href"])
        elif tag == "img":
            self.page.images.append(values)
        elif tag in {"script", "style"}:
            self.silent += 1
            self.page.other_sources += [values[name] for name in ("src", "href") if name in values]
        elif tag in {"link", "iframe", "object"}:
            self.page.other_sources.append(tag)
        elif tag == "table":
            self.page.tables.append([])
            self.page.sort_keys.append([])
        elif tag == "tr":
            self.page.tables[-1].append([])
            self.page.sort_keys[-1].append([])
        elif tag in {"td", "th"}:
            self.in_cell = True
            self.page.tables[-1][-1].append("")
            self.page.sort_keys[-1][-1].append(values.get("data-sort", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in {"script", "style"}:
            self.silent -= 1
        elif tag in {"td", "th"}:
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.silent:
            return
        self.page.text += data
        if self.in_cell:
            self.page.tables[-1][-1][-1] += data


def read_page(path: Path) -> ReadPage:
    """Parse a page."""
    page = ReadPage(path.read_text(encoding="utf-8"))
    _Reader(page).feed(page.html)
    page.text = " ".join(page.text.split())
    page.tables = [[[" ".join(cell.split()) for cell in row] for row in table] for table in page.tables]
    return page


def check_offline(page: ReadPage, folder: Path) -> None:
    """Nothing leaves the folder's disk but links to papers, every image and link exists, every image has words."""
    hrefs = [href for href in page.hrefs if not href.startswith("https://doi.org/10.")]
    html = page.html.replace('<a href="https://doi.org/10.', "").replace("http-equiv", "")
    assert "http" not in html
    assert "//" not in "".join(hrefs + [image["src"] for image in page.images])
    assert page.other_sources == []
    assert "@import" not in page.html
    assert "url(" not in page.html
    for image in page.images:
        assert (folder / image["src"].replace("%20", " ")).is_file()
        assert len(image["alt"]) > 10
    assert len(page.ids) == len(set(page.ids))
    for href in hrefs:
        assert href[1:] in page.ids if href.startswith("#") else (folder / href.replace("%20", " ")).exists()


def picture(folder: Path, name: str) -> Path:
    """An empty figure in the folder of a participant."""
    path = folder / "sub-01" / "figures" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path

"use strict";
// Sort a table by the column whose heading is pressed; rows without a value stay at the end.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const heading = button.parentElement;
    const body = heading.closest("table").tBodies[0];
    const column = heading.cellIndex;
    const descending = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentElement.cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const key = (row) => (row.cells[column] ? row.cells[column].dataset.sort : "") || "";
    const rows = [...body.rows].sort((a, b) => {
      const [left, right] = [key(a), key(b)];
      if (left === "" || right === "") return (left === "") - (right === "");
      const numeric = Number(left) - Number(right);
      const order = Number.isNaN(numeric) ? left.localeCompare(right, undefined, { numeric: true }) : numeric;
      return descending ? -order : order;
    });
    body.append(...rows);
  });
}
// On a narrow screen a row is a card, whose values carry their headings.
const textOf = (cell) => cell.textContent.replace("⊕", "").replace(/\s+/g, " ").trim();
for (const table of document.querySelectorAll("table[role=table]")) {
  const heads = [...table.tHead.rows[0].cells].map(textOf);
  for (const row of table.tBodies[0].rows) [...row.cells].forEach((cell, column) => { cell.dataset.head = heads[column] || ""; });
}
function save(text, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
// A table that is no file of its own is saved as it stands, numbers in full.
for (const button of document.querySelectorAll("button.save")) {
  button.addEventListener("click", () => {
    const table = button.parentElement.previousElementSibling.querySelector("table");
    const full = (cell) => (cell.classList.contains("number") ? cell.dataset.sort : textOf(cell)) || "n/a";
    const rows = [[...table.tHead.rows[0].cells].map(textOf), ...[...table.tBodies[0].rows].map((row) => [...row.cells].map(full))];
    const title = table.caption ? textOf(table.caption) : document.querySelector("h1").textContent;
    save(rows.map((cells) => cells.join("\t") + "\n").join(""), `${title.replace(/[^A-Za-z0-9]+/g, "_").slice(0, 60)}.tsv`);
  });
}
// Questions whose title or finding has all the words stay; their links too.
for (const input of document.querySelectorAll(".filter input")) {
  const folds = [...document.querySelectorAll("details.fold")];
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const fold of folds) {
      const text = fold.querySelector("summary").textContent.toLowerCase();
      const stays = words.every((word) => text.includes(word));
      fold.parentElement.hidden = !stays;
      shown += stays;
      const link = document.querySelector(`nav a[href="#${CSS.escape(fold.parentElement.id)}"]`);
      if (link) link.parentElement.hidden = !stays;
    }
    input.parentElement.querySelector("[role=status]").textContent = words.length ? `${shown} of ${folds.length}` : "";
  });
}
// Hold one image of a flicker, or let the two alternate.
for (const figure of document.querySelectorAll(".flicker")) {
  const buttons = figure.querySelectorAll("button");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      figure.dataset.shown = button.dataset.show;
      for (const other of buttons) other.setAttribute("aria-pressed", String(other === button));
    });
  }
}
// Ratings are saved as a table that the group level reads.
function tabulate(form) {
  const clean = (text) => text.replace(/\s+/g, " ").trim() || "n/a";
  const rows = [...form.querySelectorAll("[data-scan]")].map((row) =>
    [row.dataset.scan, clean(row.querySelector("select").value), clean(row.querySelector("input").value)]);
  return [["scan", "rating", "note"], ...rows].map((cells) => cells.join("\t") + "\n").join("");
}
for (const form of document.querySelectorAll("form.rating")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    save(tabulate(form), form.dataset.file);
  });
}
// Mark the section being read in the navigation.
const places = new Map([...document.querySelectorAll("nav ol a")].map((link) => [link.hash.slice(1), link]));
const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    if (!entry.isIntersecting) continue;
    for (const link of places.values()) link.classList.remove("here");
    const link = places.get(entry.target.id);
    if (link) link.classList.add("here");
  }
}, { rootMargin: "0px 0px -80% 0px" });
for (const section of document.querySelectorAll("section")) watcher.observe(section);
// Whatever a link leads to is opened first; on paper everything is open.
function unfold(target) {
  for (let element = target; element; element = element.parentElement) {
    if (element.tagName === "DETAILS") element.open = true;
  }
  const fold = target && target.querySelector(":scope > details.fold");
  if (fold) fold.open = true;
}
function follow() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  unfold(target);
  target.scrollIntoView();
}
addEventListener("hashchange", follow);
for (const link of document.querySelectorAll('a[href^="#"]')) {
  link.addEventListener("click", () => { if (link.hash === location.hash) follow(); });
}
follow();
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  for (const details of closed) details.open = true;
});
addEventListener("afterprint", () => { for (const details of closed) details.open = false; });

"use strict";
// The page can be read without this: it sorts and filters the table of runs and opens the run that a link leads to.
const table = document.getElementById("run-table");
const rows = Array.from(table.tBodies[0].rows);
const sections = rows.map((row) => document.getElementById(row.querySelector("a").hash.slice(1)));
const form = document.querySelector("form.filter");
const box = document.getElementById("filter");
const shown = document.getElementById("shown");

function value(row, column) {
  let place = 0;
  for (const cell of row.cells) {
    if (column < place + cell.colSpan) {
      if (cell.colSpan > 1) return null; // a run without a result
      const text = cell.dataset.v ?? cell.textContent.trim();
      const number = Number(text);
      return text === "" || Number.isNaN(number) ? text : number;
    }
    place += cell.colSpan;
  }
  return null;
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}

function sort(header, column) {
  const down = header.getAttribute("aria-sort") === "ascending";
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const keyed = rows.map((row, place) => ({ row, place, key: value(row, column) }));
  keyed.sort((a, b) => {
    if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place; // always last
    return (down ? -1 : 1) * compare(a.key, b.key) || a.place - b.place;
  });
  table.tBodies[0].append(...keyed.map((one) => one.row));
}

function filter() {
  const terms = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const [place, row] of rows.entries()) {
    const words = row.dataset.words.toLowerCase().split(/\s+/);
    // A number after "=" is meant whole: forgot=1 is not forgot=10.
    const fits = terms.every((term) => words.some((word) => (term.includes("=") ? word === term : word.startsWith(term))));
    row.hidden = !fits;
    sections[place].hidden = !fits;
    count += fits;
  }
  shown.textContent = `${count} of ${rows.length} runs`;
}

function open() {
  const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
  if (target instanceof HTMLDetailsElement) {
    for (let outer = target; outer; outer = outer.parentElement.closest("details")) outer.open = true;
    target.hidden = false; // also where the filter leaves it out
    target.scrollIntoView();
  }
}

Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = header.textContent;
  button.addEventListener("click", () => sort(header, column));
  header.replaceChildren(button);
});
document.querySelectorAll("a[data-filter]").forEach((link) =>
  link.addEventListener("click", () => {
    box.value = link.dataset.filter;
    filter();
  }),
);
form.addEventListener("submit", (event) => event.preventDefault());
box.addEventListener("input", filter);
window.addEventListener("hashchange", open);
form.hidden = false;
filter();
open();

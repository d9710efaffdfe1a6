// Rows of the queue that open in place: the link "Why" leads to a page, whose middle is shown below the row.
import { all, make, on, one } from "./dom.js";

const opened = new Map();   // job → what was shown last, so that a new drawing of the table stays open

on("click", "a[data-why]", async (link, event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  const job = link.dataset.why;
  if (link.getAttribute("aria-expanded") === "true") return close(link, job);
  link.setAttribute("aria-busy", "true");
  try {
    opened.set(job, await body(link.href));
    show(link, job);
  } catch {
    location.assign(link.href);
  } finally {
    link.removeAttribute("aria-busy");
  }
});

async function body(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const symbol of all("#sprite symbol", page)) {
    if (!document.getElementById(symbol.id)) one("#sprite").append(document.importNode(symbol, true));
  }
  return document.importNode(one("#why-body", page), true);
}

function show(link, job) {
  const row = link.closest("tr");
  const found = opened.get(job).cloneNode(true);
  found.removeAttribute("id");
  found.removeAttribute("class");
  const cell = make("td", { colSpan: row.cells.length, className: "wide" }, found);
  one(`#why-${job}`)?.remove();
  row.after(make("tr", { className: "detail", id: `why-${job}` }, cell));
  row.classList.add("open");
  link.setAttribute("aria-expanded", "true");
  link.setAttribute("aria-controls", `why-${job}`);
}

function close(link, job) {
  opened.delete(job);
  one(`#why-${job}`)?.remove();
  link.closest("tr").classList.remove("open");
  link.setAttribute("aria-expanded", "false");
}

document.addEventListener("st-refreshed", () => {
  for (const link of all("a[data-why]")) {
    if (opened.has(link.dataset.why) && !one(`#why-${link.dataset.why}`)) show(link, link.dataset.why);
  }
});

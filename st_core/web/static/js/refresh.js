// Live pages stay true by asking for themselves again: regions marked data-refresh are replaced by their new drawing.
// Table bodies marked data-rows change row by row; while the reader is in the table, new rows wait behind a button.
import { all, make, on, one } from "./dom.js";

const LEAST_MS = 1000;
let underway = 0;
let asked = false;
let restUntil = 0;

/** Bring this page up to date soon: bursts are joined, a slow server is asked less often, a hidden tab waits. */
export function refresh() {
  asked = true;
  if (underway || document.hidden) return;
  underway = setTimeout(run, Math.max(restUntil - performance.now(), 0));
}

async function run() {
  asked = false;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
    if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // live.js shows the state of the connection; the next event asks again.
  }
  restUntil = performance.now() + Math.max(LEAST_MS, 10 * (performance.now() - began));
  underway = 0;
  if (asked) refresh();
}

document.addEventListener("visibilitychange", () => { if (!document.hidden && asked) refresh(); });

/** What an element says, without the words of its times, which age by themselves. */
const said = (element) => element.outerHTML.replace(/<time datetime="([^"]*)"[^>]*>[^<]*/g, "<time $1").replace(/ class="fresh"/, "");

function swap(next) {
  document.title = next.title;
  mergeSprite(next);
  for (const region of all("[data-shape]")) {   // a part that now has another structure is taken whole
    const drawing = next.getElementById(region.id);
    if (drawing && drawing.dataset.shape !== region.dataset.shape) replace(region, document.importNode(drawing, true));
  }
  for (const region of all("[data-refresh]")) {
    const drawing = next.getElementById(region.id);
    if (drawing && said(drawing) !== said(region) && !isEdited(region)) replace(region, document.importNode(drawing, true));
  }
  for (const body of all("[data-rows]")) {
    const drawing = next.getElementById(body.id);
    if (drawing) swapRows(body, drawing);
  }
  document.dispatchEvent(new CustomEvent("st-refreshed"));
}

const isEdited = (region) => region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea");

/** Take over the icons that another drawing of this page brings. */
export function mergeSprite(next) {
  const sprite = one("#sprite");
  for (const symbol of all("#sprite symbol", next)) {
    if (!document.getElementById(symbol.id)) sprite.append(document.importNode(symbol, true));
  }
}

/** Put `drawing` in the place of `region`, keeping the focus, what was scrolled, and what the reader had opened. */
function replace(region, drawing) {
  const path = region.contains(document.activeElement) ? pathTo(document.activeElement, region) : null;
  for (const open of all("details[open][id]", region)) drawing.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  const scrolled = all("[data-keep-scroll][id]", region).map((box) => [box.id, box.scrollLeft, box.scrollTop]);
  region.replaceWith(drawing);
  for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
  path?.reduce((node, at) => node?.children[at], drawing)?.focus({ preventScroll: true });
}

function pathTo(element, root) {
  const path = [];
  for (let node = element; node !== root; node = node.parentElement) path.unshift([...node.parentElement.children].indexOf(node));
  return path;
}

function swapRows(body, drawing) {
  const shown = new Map([...body.rows].map((row) => [row.id, row]));
  const coming = [...drawing.rows].filter((row) => !shown.has(row.id));
  if (!body.matches(":hover") && !body.contains(document.activeElement)) {
    putRows(body, drawing, shown);
    return;
  }
  for (const row of drawing.rows) {
    const old = shown.get(row.id);
    if (old && said(old) !== said(row) && !old.contains(document.activeElement)) old.replaceWith(copyOf(row, old));
  }
  offer(body, drawing, coming.length);
}

function putRows(body, drawing, shown) {
  body.replaceChildren(...[...drawing.rows].map((row) => copyOf(row, shown.get(row.id))));
  offer(body, drawing, 0);
}

/** A row's new drawing, marked when it is new or its state has changed since the reader looked. */
function copyOf(row, old) {
  const copy = document.importNode(row, true);
  if (!old || old.dataset.mark !== row.dataset.mark || old.classList.contains("fresh")) copy.classList.add("fresh");
  return copy;
}

/** Offer the rows that have come while the reader was in the table. */
function offer(body, drawing, count) {
  const place = one(`[data-news="${body.id}"]`);
  if (!place) return;
  place.hidden = count === 0;
  const button = make("button", { className: "btn btn-quiet", type: "button", textContent: `${count} new ${count === 1 ? body.dataset.one : body.dataset.many}` });
  button.addEventListener("click", () => putRows(body, drawing, new Map([...body.rows].map((row) => [row.id, row]))));
  place.replaceChildren(button);
}

// A marked row keeps its mark until the pointer or the focus has passed it.
const seen = (row) => row.classList.remove("fresh");
on("pointerout", "tr.fresh", seen);
on("focusout", "tr.fresh", seen);

// Live pages stay true by asking for themselves again: regions marked data-refresh are replaced by their new drawing.
// Table bodies marked data-rows change row by row; while the reader is in the table, new rows wait behind a button.
import { all, make, on, one } from "./dom.js";

const LEAST_MS = 1000;
let underway = null;
let asked = false;
let restUntil = 0;

/** Bring the regions of this page up to date soon: bursts are joined, and a slow server is asked less often. */
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
    // The connection's state is shown by live.js; the next event asks again.
  }
  restUntil = performance.now() + Math.max(LEAST_MS, 10 * (performance.now() - began));
  underway = null;
  if (asked) refresh();
}

document.addEventListener("visibilitychange", () => { if (!document.hidden && asked) refresh(); });

function swap(fresh) {
  document.title = fresh.title;
  mergeSprite(fresh);
  for (const region of all("[data-refresh]")) {
    const next = fresh.getElementById(region.id);
    if (!next || next.outerHTML === region.outerHTML && region.drawn === undefined || region.drawn === next.outerHTML) continue;
    if (region.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) continue;
    replace(region, document.importNode(next, true), next.outerHTML);
  }
  for (const body of all("[data-rows]")) {
    const next = fresh.getElementById(body.id);
    if (next) swapRows(body, next);
  }
  document.dispatchEvent(new CustomEvent("st-refreshed"));
}

/** Put `next` in the place of `region`, keeping focus and what the reader had opened. */
function replace(region, next, drawn) {
  const focused = region.contains(document.activeElement) ? pathTo(document.activeElement, region) : null;
  next.drawn = drawn;
  for (const open of all("details[open][id]", region)) next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  region.replaceWith(next);
  if (focused) focused.reduce((node, at) => node?.children[at], next)?.focus({ preventScroll: true });
}

function pathTo(element, root) {
  const path = [];
  for (let node = element; node !== root; node = node.parentElement) path.unshift([...node.parentElement.children].indexOf(node));
  return path;
}

function mergeSprite(fresh) {
  const sprite = one("#sprite");
  for (const symbol of all("#sprite symbol", fresh)) {
    if (!document.getElementById(symbol.id)) sprite.append(document.importNode(symbol, true));
  }
}

function swapRows(body, next) {
  const busy = body.matches(":hover") || body.contains(document.activeElement);
  const known = new Map([...body.rows].map((row) => [row.id, row]));
  const coming = [...next.rows].filter((row) => !known.has(row.id));
  if (!busy) {
    const before = new Map([...known].map(([id, row]) => [id, row.drawn ?? row.outerHTML]));
    body.replaceChildren(...[...next.rows].map((row) => drawnRow(row, !before.has(row.id) || before.get(row.id) !== row.outerHTML)));
    announce(body, 0);
    return;
  }
  for (const row of next.rows) {
    const old = known.get(row.id);
    if (old && (old.drawn ?? old.outerHTML) !== row.outerHTML && !old.contains(document.activeElement)) old.replaceWith(drawnRow(row, true));
  }
  announce(body, coming.length, next);
}

function drawnRow(row, changed) {
  const copy = document.importNode(row, true);
  copy.drawn = row.outerHTML;
  if (changed) copy.classList.add("fresh");
  return copy;
}

/** Offer what has come while the reader was in the table. */
function announce(body, count, next) {
  const place = one(`[data-news="${body.id}"]`);
  if (!place) return;
  place.hidden = count === 0;
  if (!count) return;
  const word = count === 1 ? body.dataset.one : body.dataset.many;
  const button = make("button", { className: "btn btn-quiet", type: "button", textContent: `${count} new ${word}` });
  button.addEventListener("click", () => {
    body.replaceChildren(...[...next.rows].map((row) => drawnRow(row, !document.getElementById(row.id))));
    place.hidden = true;
  });
  place.replaceChildren(button);
}

// A changed row keeps its mark until the pointer or the focus has passed it.
const seen = (row) => row.classList.remove("fresh");
on("pointerout", "tr.fresh", seen);
on("focusout", "tr.fresh", seen);

// The keys of every page. Single letters do nothing in a field, and the help dialog turns them off altogether.
// No letter alone approves, cancels or deletes.
import { isTyping, may, on, one } from "./dom.js";
import { openPalette } from "./palette.js";

const ARMED_MS = 1200;
const STORED = "st-letters";
let armedAt = -Infinity;

const letters = () => localStorage.getItem(STORED) !== "off";
const go = (element) => { if (element) location.assign(element.href); };

const PLAIN = {
  "/": () => focusSearch(),
  "?": () => one("#help").showModal(),
  c: () => { if (may("job.submit")) location.assign(document.body.dataset.submitUrl); },
  f: () => one("[data-follow-log]")?.click(),
  g: () => { armedAt = performance.now(); },
  "[": () => go(one("a[rel=prev]")),
  "]": () => go(one("a[rel=next]")),
};

function focusSearch() {
  const search = one("main .search input") || one("main input[type=search]");
  search?.focus();
  search?.select();
}

function letter(event) {
  const armed = performance.now() - armedAt < ARMED_MS;
  const place = armed ? one(`.sidenav a[data-shortcut="g ${CSS.escape(event.key)}"]`) : null;
  if (!place && !(event.key in PLAIN)) return;
  event.preventDefault();
  armedAt = -Infinity;
  if (place) go(place);
  else PLAIN[event.key]();
}

document.addEventListener("keydown", (event) => {
  const command = event.ctrlKey || event.metaKey;
  if (command && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
  } else if (command && !event.altKey && event.key.toLowerCase() === "s") {
    const save = one("[data-saves]");
    if (save) { event.preventDefault(); save.click(); }
  } else if (event.key === "Escape" && isTyping(event) && event.target.matches(".search input")) {
    clearSearch(event.target);
  } else if (!command && !event.altKey && !isTyping(event) && letters() && !one("dialog[open]")) {
    letter(event);
  }
});

function clearSearch(input) {
  if (input.value) {
    input.value = "";
    input.dispatchEvent(new Event("input", { bubbles: true }));
  } else {
    input.blur();
  }
}

const box = one("[data-letters]");
if (box) box.checked = letters();
on("change", "[data-letters]", (changed) => localStorage.setItem(STORED, changed.checked ? "on" : "off"));

on("click", "[data-mode]", () => {
  const mode = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
  document.documentElement.dataset.bsTheme = mode;
  localStorage.setItem("st-mode", mode);
});
const mode = one("[data-mode]");
if (mode) mode.hidden = false;

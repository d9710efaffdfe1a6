// The config editor: form and JSON are two views of one draft. What the reader did not touch stays as it was.
import { call, Problem } from "./api.js";
import { all, make, on, one } from "./dom.js";
import * as fields from "./fields.js";
import { dryRun } from "./gates.js";
import { narrow } from "./narrow.js";
import { toastNext } from "./toast.js";
import { get, put, same, written } from "./draft.js";

const form = one("form[data-editor]");
const json = one("#json", form);
const controls = all("[data-path]", form);
const original = JSON.parse(json.value);
const trainer = form.dataset.trainer;
const isNew = !form.dataset.name;
let view = form.dataset.view;
let draft = structuredClone(original);

const stateOf = (control) => (control.type === "checkbox" ? String(control.checked) : control.value);
for (const control of controls) control.was = stateOf(control);

// ── from the form to the draft and back ─────────────────────────────────────────────────────────────────────

/** What cannot be read from the page: controls, each with what would be right. */
class Unreadable extends Error {
  constructor(wrong) {
    super(wrong[0].message);
    this.wrong = wrong;
  }
}

/** Read every control that was touched into the draft. Throws Unreadable with every one that cannot be read. */
function readForm() {
  const next = structuredClone(original);
  const wrong = [];
  for (const control of controls) {
    if (stateOf(control) === control.was) continue;
    try {
      if (control.dataset.kind === "other") readOther(next, control);
      else put(next, control.dataset.path, fields.read(control));
    } catch (error) {
      wrong.push({ control, message: error.message });
    }
  }
  if (wrong.length) throw new Unreadable(wrong);
  return next;
}

function readOther(next, control) {
  const known = new Set(controls.map((one_) => one_.dataset.path.split(".")[0]));
  for (const name of Object.keys(next)) if (!known.has(name)) delete next[name];
  const other = control.value.trim() ? JSON.parse(control.value) : {};
  if (typeof other !== "object" || Array.isArray(other)) throw new Error("Give a JSON object.");
  Object.assign(next, other);
}

function readJson() {
  let value;
  try { value = JSON.parse(json.value || "{}"); } catch (error) { throw new Unreadable([{ control: json, message: `This is not JSON: ${error.message}.` }]); }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Unreadable([{ control: json, message: "A config is a JSON object." }]);
  return value;
}

const readDraft = () => (view === "json" ? readJson() : readForm());

function fillForm(data) {
  const known = new Set(controls.map((control) => control.dataset.path.split(".")[0]));
  for (const control of controls) {
    if (control.dataset.kind === "other") {
      const other = Object.fromEntries(Object.entries(data).filter(([name]) => !known.has(name)));
      control.value = Object.keys(other).length ? written(other) : "";
    } else {
      fill(control, get(data, control.dataset.path));
    }
  }
}

function fill(control, value) {
  const { kind } = control.dataset;
  if (control.type === "checkbox") control.checked = value === undefined ? control.dataset.default === "true" : Boolean(value);
  else if (kind === "select") control.selectedIndex = value === undefined ? 0 : JSON.parse(control.dataset.options).findIndex((option) => same(option, value)) + 1;
  else if (value === undefined || value === null) control.value = "";
  else if (kind === "list") control.value = value.join(", ");
  else control.value = kind === "json" ? written(value) : String(value);
}

// ── what the page shows of the draft ────────────────────────────────────────────────────────────────────────

function changed() {
  for (const control of controls) markChanged(control);
  try { draft = readDraft(); } catch { ask(); return; }
  drawChanges();
  ask();
}

function markChanged(control) {
  const row = control.closest(".field");
  const differs = stateOf(control) !== control.was && !isNew;
  row.classList.toggle("changed", differs);
  one("[data-was]", row)?.remove();
  if (!differs || control.tagName === "TEXTAREA") return;
  const was = control.was === "" ? "not set" : control.type === "checkbox" ? (control.was === "true" ? "on" : "off") : control.was;
  const label = one("label", row).firstChild.textContent.trim();
  const back = make("button", { className: "btn btn-link p-0 tiny", type: "button" }, "Put back", make("span", { className: "visually-hidden", textContent: ` ${label} to ${was}` }));
  back.addEventListener("click", () => { putBack(control); changed(); control.focus(); });
  row.firstElementChild.append(make("div", { className: "tiny muted", "data-was": "" }, `was ${was} `, back));
}

function putBack(control) {
  if (control.type === "checkbox") control.checked = control.was === "true";
  else control.value = control.was;
}

function drawChanges() {
  const panel = one("[data-changes]");
  const keys = [...new Set([...Object.keys(original), ...Object.keys(draft)])].filter((key) => !same(original[key], draft[key]));
  panel.hidden = isNew || !keys.length;
  const line = (sign, key, value) => make("tr", { className: sign === "+" ? "add" : "del" }, make("td", { className: "sg", textContent: sign === "+" ? "+" : "−" }), make("td", { textContent: `${JSON.stringify(key)}: ${written(value)}` }));
  one("table", panel).replaceChildren(...keys.flatMap((key) => [
    ...(key in original ? [line("-", key, original[key])] : []), ...(key in draft ? [line("+", key, draft[key])] : []),
  ]));
  const words = one("[data-dirty-words]");
  if (words && keys.length) words.textContent = `${keys.length} unsaved ${keys.length === 1 ? "change" : "changes"}.`;
}

// ── asking, saving ──────────────────────────────────────────────────────────────────────────────────────────

const clean = (path) => path.replace(/^(config|data)\.?/, "");

function find(path) {
  if (path === "name") return one("#name", form);
  if (view === "json") return json;
  const wanted = clean(path);
  return controls.find((control) => control.dataset.path && (wanted === control.dataset.path || wanted.startsWith(`${control.dataset.path}.`))) || one("#f-other", form);
}

const ask = dryRun(
  () => ({ config: readDraft(), trainer, config_name: form.dataset.name || one("#name", form).value.trim() || "draft" }),
  (errors) => {
    fields.clear(form, { keepSummary: true });
    for (const { path, message } of errors) {
      const field = find(path);
      if (field && field !== json) fields.mark(field, message);
    }
  },
);

function showUnreadable(wrong) {
  const controlOf = new Map(wrong.map(({ control }) => [control.id, control]));
  const errors = wrong.map(({ control, message }) => ({ path: control.id, message }));
  fields.show(form, new Problem(0, { errors }), (id) => controlOf.get(id));
}

function refuse(error) {
  if (error instanceof Unreadable) showUnreadable(error.wrong);
  else if (error instanceof Problem) fields.show(form, error, find);
  else throw error;
}

async function save() {
  const button = one("[data-saves]", form);
  if (button.hasAttribute("aria-busy")) return null;
  button.setAttribute("aria-busy", "true");
  try {
    draft = readDraft();
    return await call(form.dataset.method, form.dataset.url, bodyOf(draft));
  } catch (error) {
    refuse(error);
    return null;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function bodyOf(data) {
  const note = one("#note", form).value.trim();
  if (!isNew) return { data, note, expected_revision: Number(form.dataset.revision) };
  return { name: one("#name", form).value.trim(), trainer, data, note };
}

const isDirty = () => controls.some((control) => stateOf(control) !== control.was) || (view === "json" && !same(draft, original));
let leaving = false;

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await save();
  if (!answer) return;
  leaving = true;
  toastNext("ok", `Saved as revision ${answer.revision}.`);
  location.assign(form.dataset.pageUrl + encodeURIComponent(answer.name));
});

on("click", "[data-save-and-submit]", async () => {
  const answer = isNew || isDirty() ? await save() : { name: form.dataset.name };
  if (!answer) return;
  leaving = true;
  location.assign(`${form.dataset.submitUrl}?config=${encodeURIComponent(answer.name)}`);
});

form.addEventListener("reset", (event) => {
  event.preventDefault();
  controls.forEach(putBack);
  json.value = written(original);
  fields.clear(form);
  changed();
});
addEventListener("beforeunload", (event) => { if (isDirty() && !leaving) event.preventDefault(); });

// ── two views, finding a parameter ──────────────────────────────────────────────────────────────────────────

on("click", "[data-show]", (link, event) => {
  event.preventDefault();
  if (link.dataset.show === view) return;
  try { draft = readDraft(); } catch (error) { refuse(error); return; }
  view = link.dataset.show;
  if (view === "json") json.value = written(draft); else fillForm(draft);
  for (const other of all("[data-show]")) other.toggleAttribute("aria-current", other === link);
  link.setAttribute("aria-current", "true");
  for (const part of all("[data-of-form]", form)) part.hidden = view !== "form";
  for (const part of all("[data-of-json]", form)) part.hidden = view !== "json";
  fields.clear(form);
  changed();
});

const search = one("[data-find]", form);
const setOnly = one("[data-set-only]", form);

function narrowed() {
  const wanted = search.value.trim();
  narrow(form, wanted, (row) => Boolean(wanted) || !setOnly?.checked || row.hasAttribute("data-set") || row.classList.contains("changed"));
}

if (search) {
  search.hidden = false;
  search.addEventListener("input", narrowed);
  if (setOnly) {
    one("[data-set-only-label]", form).hidden = false;
    setOnly.addEventListener("change", narrowed);
  }
}
on("input", "[data-path], #json, #name", changed, form);

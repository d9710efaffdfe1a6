// What the server refused, shown at its fields: one summary above with links, the focus moves there, values are kept.
import { all, icon, make, one } from "./dom.js";

/** Take away everything an earlier answer has marked; the summary stays with `keepSummary`. */
export function clear(form, { keepSummary = false } = {}) {
  for (const field of all(".is-invalid", form)) {
    field.classList.remove("is-invalid");
    field.removeAttribute("aria-invalid");
    const kept = (field.getAttribute("aria-describedby") || "").split(" ").filter((id) => id && !id.endsWith("-e"));
    if (kept.length) field.setAttribute("aria-describedby", kept.join(" "));
    else field.removeAttribute("aria-describedby");
  }
  for (const message of all("[data-said]", form)) message.remove();
  if (!keepSummary) one("[data-summary]", form)?.replaceChildren();
}

/** Show one message at a field. */
export function mark(field, message) {
  if (field.classList.contains("is-invalid")) return;
  const id = `${field.id}-e`;
  field.classList.add("is-invalid");
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", `${field.getAttribute("aria-describedby") || ""} ${id}`.trim());
  const place = field.closest(".input-group") || field;
  place.after(make("div", { className: "invalid-feedback d-block", id, textContent: message, "data-said": "" }));
}

/**
 * Show a Problem in a form: `find(path)` gives the control of a path. What belongs to no field stands in the summary.
 * With `focus` the reader is taken there.
 */
export function show(form, problem, find, { title = "Not saved", focus = true } = {}) {
  clear(form);
  const lines = problem.fields.map(({ path, message }) => {
    const field = find(path);
    if (field) mark(field, message);
    return { field, path, message };
  });
  const box = one("[data-summary]", form);
  if (!box) return;
  const count = lines.length ? `${title}: ${lines.length} ${lines.length === 1 ? "problem" : "problems"}.` : `${title}.`;
  const text = make("div", {}, make("p", {}, make("strong", { textContent: count }), lines.length ? "" : ` ${problem.message}`));
  if (lines.length) text.append(make("ul", { className: "mb-0 ps-3" }, ...lines.map((line) => entry(form, line))));
  if (problem.status >= 500 && problem.requestId) text.append(make("p", { className: "tiny mono", textContent: `Request ${problem.requestId}` }));
  const note = make("div", { className: "note danger", role: "alert", tabIndex: -1 }, icon("x-circle-fill"), text);
  box.replaceChildren(note);
  if (focus) note.focus();
}

function entry(form, { field, path, message }) {
  if (!field) return make("li", {}, path ? `${path}: ${message}` : message);
  const label = one(`label[for="${CSS.escape(field.id)}"]`, form)?.firstChild.textContent.trim() || path;
  const link = make("a", { href: `#${field.id}`, textContent: label });
  link.addEventListener("click", (event) => { event.preventDefault(); reveal(field); });
  return make("li", {}, link, `: ${message}`);
}

function reveal(field) {
  field.closest("details")?.setAttribute("open", "");
  field.focus();
}

/** What an input holds, by its data-kind. Throws an Error with what would be right. */
export function read(field) {
  const text = field.value.trim();
  const kind = field.dataset.kind || "text";
  if (field.type === "checkbox") return field.checked;
  if (kind === "secret") return field.value || undefined;   // every character counts, spaces too
  if (text === "") return field.hasAttribute("data-optional") ? null : undefined;
  if (kind === "integer" || kind === "number") return numeric(text, kind === "integer");
  if (kind === "list") return text.split(",").map((item) => item.trim()).filter(Boolean).map((item) => (field.dataset.item === "text" ? item : numeric(item, field.dataset.item === "integer")));
  if (kind === "lines") return text.split("\n").map((line) => line.trim()).filter(Boolean);
  if (kind === "json") return parsed(text);
  if (kind === "select" && field.dataset.options) return JSON.parse(field.dataset.options)[field.selectedIndex - 1];
  return text;
}

function numeric(text, whole) {
  const value = Number(text.replace(/(?<=\d),(?=\d{3}\b)/g, ""));
  if (!Number.isFinite(value)) throw new Error(`“${text}” is not a number.`);
  if (whole && !Number.isInteger(value)) throw new Error(`“${text}” is not a whole number.`);
  return value;
}

function parsed(text) {
  try { return JSON.parse(text); } catch (error) { throw new Error(`This is not JSON: ${error.message}.`); }
}

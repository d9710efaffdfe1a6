// From a form to the body of a request: names of fields are keys. With data-nested a dot in a name goes one object deeper.
import { put } from "./draft.js";
import { all } from "./dom.js";
import * as fields from "./fields.js";

const isChanged = (field) => (field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue);

/** What a form says: `body`, and `wrong` with every field that cannot be read. Boxes with data-each make a list of values. */
export function bodyOf(form) {
  const body = {}, wrong = [];
  const nested = form.hasAttribute("data-nested");
  const set = (name, value) => { if (nested) put(body, name, value); else body[name] = value; };
  for (const box of all("[data-each]", form)) set(box.name, all(`[name="${CSS.escape(box.name)}"]:checked`, form).map((each) => each.value));
  for (const field of sent(form)) {
    try {
      const value = fields.read(field);
      if (value !== undefined) set(field.name, value);
      else if (field.hasAttribute("data-keep-empty")) set(field.name, "");
      else if (["integer", "number", "json"].includes(field.dataset.kind) && !nested) wrong.push({ path: field.name, message: "Give a number." });
    } catch (error) {
      wrong.push({ path: field.name, message: error.message });
    }
  }
  form.dispatchEvent(new CustomEvent("st-body", { bubbles: true, detail: { body, wrong } }));
  return { body: form.dataset.wrap ? { [form.dataset.wrap]: body } : body, wrong };
}

function sent(form) {
  const named = all("[name]:not([data-query]):not([data-each]):not(:disabled)", form).filter((field) => field.type !== "radio" || field.checked);
  return form.hasAttribute("data-changed-only") ? named.filter(isChanged) : named;
}

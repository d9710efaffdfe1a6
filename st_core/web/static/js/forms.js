// Forms that post to the API: data-form is the URL, names of fields are keys of the body. data-upload sends the file itself.
import { call, Problem } from "./api.js";
import { bodyOf } from "./bodies.js";
import { all, on, one } from "./dom.js";
import * as fields from "./fields.js";
import { narrow } from "./narrow.js";
import { refresh } from "./refresh.js";
import { toast, toastNext } from "./toast.js";

async function send(form) {
  const submit = one("button:not([type=button]):not([type=reset])", form);
  if (submit?.hasAttribute("aria-busy")) return;
  const find = (path) => one(`[name="${CSS.escape(path.replace(/^(settings|data|body)\./, ""))}"]`, form);
  const { body, wrong } = form.hasAttribute("data-upload") ? upload(form) : bodyOf(form);
  if (wrong.length) { fields.show(form, new Problem(0, { errors: wrong }), find); return; }
  if (form.hasAttribute("data-changed-only") && !Object.keys(form.dataset.wrap ? body[form.dataset.wrap] : body).length) { fields.clear(form); toast("warn", "Nothing has changed.", { stays: false }); return; }
  submit?.setAttribute("aria-busy", "true");
  try {
    const answer = await call(form.dataset.method || "POST", urlOf(form), body);
    fields.clear(form);
    form.dispatchEvent(new CustomEvent("st-answered", { detail: answer, bubbles: true }));
    follow(form, answer);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fields.show(form, error, find);
  } finally {
    submit?.removeAttribute("aria-busy");
  }
}

function urlOf(form) {
  const path = form.dataset.form.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(one(`[name="${name}"]`, form).value));
  const url = new URL(path, location.href);
  for (const box of all("[data-query]:checked", form)) url.searchParams.set(box.name, box.value);
  return url.pathname + url.search;
}

function upload(form) {
  const input = one("input[type=file]", form);
  if (!input.files.length) return { wrong: [{ path: input.name, message: "Choose a file." }] };
  const body = new FormData();
  body.append(input.name, input.files[0]);
  return { body, wrong: [] };
}

function follow(form, answer) {
  const words = { ...answer, names: (answer.configs || []).map((config) => config.name).join(", ") };
  const fill = (template) => template.replace(/\{(\w+)\}/g, (_, name) => words[name] ?? "");
  if (form.dataset.then) {
    toastNext("ok", fill(form.dataset.done));
    location.assign(fill(form.dataset.then));
    return;
  }
  form.closest("dialog")?.close();
  if (form.hasAttribute("data-changed-only")) { toastNext("ok", fill(form.dataset.done)); location.reload(); return; }
  if (form.closest("dialog") || form.hasAttribute("data-empties")) form.reset();
  if (!form.dataset.once) toast("ok", fill(form.dataset.done));
  refresh();
}

for (const search of all("[data-narrow]")) {
  search.hidden = false;
  search.addEventListener("input", () => narrow(search.closest("form"), search.value));
}

on("change", "form[data-at-once] select", (select) => select.form.requestSubmit());   // a select that needs no button
on("submit", "form[data-form]", (form, event) => { event.preventDefault(); send(form); });

// The page of a sign-in provider: rows that say which group gives which level, what to register there, the test of its connection.
import { call, Problem } from "./api.js";
import { all, icon, make, on, one } from "./dom.js";

const list = one("[data-mapping]");
let count = all("[data-mapping-row]").length;

function add() {
  const rows = all("[data-mapping-row]");
  const row = rows[rows.length - 1].cloneNode(true);
  count += 1;
  for (const [field, prefix] of [["[data-mapping-group]", "g-"], ["[data-mapping-level]", "gl-"]]) {
    const control = one(field, row);
    one(`label[for="${control.id}"]`, row).htmlFor = `${prefix}${count}`;
    control.id = `${prefix}${count}`;
  }
  one("[data-mapping-group]", row).value = "";
  list.append(row);
  one("[data-mapping-group]", row).focus();
}

function drop(button) {
  const row = button.closest("[data-mapping-row]");
  if (all("[data-mapping-row]").length > 1) row.remove();
  else one("[data-mapping-group]", row).value = "";
  one("[data-mapping-add]").focus();
}

/** The rows as the API stores them: for each level the groups that give it. */
function mapping() {
  const found = {};
  for (const row of all("[data-mapping-row]")) {
    const group = one("[data-mapping-group]", row).value.trim();
    if (group) (found[one("[data-mapping-level]", row).value] ??= []).push(group);
  }
  return found;
}

on("st-body", "[data-provider]", (form, event) => {
  event.detail.body.level_mapping = mapping();
  event.detail.body.config ??= {};
});

// ── the addresses to register, while the name is being typed ─────────────────────────────────────────────────

on("input", "#p-name", (input) => {
  for (const shown of all("[data-address]")) {
    const text = shown.dataset.address.replace("~name~", encodeURIComponent(input.value.trim() || "NAME"));
    shown.textContent = text;
    one("[data-copy]", shown.parentElement).dataset.copy = text;
  }
});

// ── the test ─────────────────────────────────────────────────────────────────────────────────────────────────

async function test(button) {
  const steps = one("[data-test-steps]");
  button.setAttribute("aria-busy", "true");
  steps.replaceChildren(line("circle", "muted", "Asking…", ""));
  try {
    const answer = await call("POST", button.dataset.test, {});
    const lines = answer.steps.map((step) => (step.passed ? line("check-circle-fill", "ok", step.name, "passed", step.message) : line("x-circle-fill", "bad", step.name, "failed", step.message)));
    steps.replaceChildren(...lines);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    steps.replaceChildren(line("x-circle-fill", "bad", "Test", "not possible", error.message));
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function line(name, ink, title, word, text = "") {
  return make("li", {}, icon(name, ink), make("div", { className: "row1" }, make("span", { textContent: title }), make("span", { className: ink === "ok" ? "muted" : ink, textContent: word })), text ? make("p", { textContent: text }) : null);
}

on("click", "[data-mapping-add]", add);
on("click", "[data-mapping-drop]", drop);
on("click", "[data-test]", (button) => { if (!button.hasAttribute("aria-busy")) test(button); });
for (const button of all("[data-mapping-add], [data-mapping-drop]")) button.hidden = false;

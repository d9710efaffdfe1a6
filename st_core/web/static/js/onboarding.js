// Onboarding: which steps are done, skipped or open is kept in this browser (guide section 6).
import { all, on, one } from "./dom.js";

const KEY = "st-onboarding";
const list = one("[data-onboarding]");
const state = () => JSON.parse(localStorage.getItem(KEY) || "{}");

function put(id, word) {
  const now = state();
  if (word) now[id] = word; else delete now[id];
  localStorage.setItem(KEY, JSON.stringify(now));
  draw();
}

function draw() {
  const kept = state();
  const steps = all("[data-step-id]", list);
  const how = (step) => (step.dataset.done === "true" ? "done" : kept[step.dataset.stepId] || "");
  const current = steps.find((step) => !how(step));
  for (const step of steps) {
    const word = how(step);
    step.className = word;
    step.toggleAttribute("aria-current", step === current);
    if (step === current) step.setAttribute("aria-current", "step");
    for (const part of all("[data-when]", step)) part.hidden = !part.dataset.when.split(" ").includes(word || (step === current ? "current" : "ahead"));
  }
  const handled = steps.filter(how).length;
  const words = one("[data-handled]");
  words.textContent = `${handled} of ${steps.length}`;
  const bar = one("#onboarding-bar");
  bar.setAttribute("aria-valuenow", String(Math.round(100 * handled / steps.length)));
  one(".fill", bar).setAttribute("width", `${100 * handled / steps.length}%`);
}

on("click", "[data-skip]", (button) => put(button.closest("[data-step-id]").dataset.stepId, "skipped"));
on("click", "[data-settle]", (button) => put(button.closest("[data-step-id]").dataset.stepId, "done"));
on("click", "[data-reopen]", (button) => put(button.closest("[data-step-id]").dataset.stepId, ""));
draw();

// The dry run beside a form: what every gate would say, asked again whenever the reader has stopped typing.
import { call, Problem } from "./api.js";
import { make, one, settled } from "./dom.js";

const WAIT_MS = 500;
const LOOKS = {
  pass: ["check-circle-fill", "ok", "passed"], warn: ["exclamation-triangle-fill", "warn", "passed with a warning"],
  ask: ["person-check", "ask", "asked a person"], no: ["x-circle-fill", "bad", "refused"], todo: ["circle", "muted", "not reached"],
};

const box = one("[data-gates]");
const state = one("[data-dry-state]");
let pending = null;

function line(gate) {
  const [name, ink, word] = LOOKS[gate.result] || LOOKS.todo;
  const item = one("#gate").content.firstElementChild.cloneNode(true);
  const svg = one("svg", item);
  svg.setAttribute("class", `icon ${ink}`);
  svg.setAttribute("aria-label", word);
  one("use", svg).setAttribute("href", `#i-${name}`);
  const [title, verdict] = item.querySelectorAll("span");
  title.textContent = gate.name;
  verdict.textContent = gate.verdict || word;
  verdict.className = gate.result === "pass" ? "muted" : ink;
  const detail = one("p", item);
  if (gate.text) detail.textContent = gate.text; else detail.remove();
  return item;
}

function draw(gates) {
  box.replaceChildren(make("ol", { className: "timeline gates" }));
  box.firstChild.append(...gates.map(line));
}

/**
 * Ask the gates about `draft()`; `heard(errors)` gets the problems at their fields. A draft that is not
 * whole (it throws) is not asked about.
 */
export function dryRun(draft, heard = () => {}) {
  const ask = settled(async () => {
    let body;
    try { body = draft(); } catch { state.textContent = "not asked: see the fields"; return; }
    pending?.abort();
    pending = new AbortController();
    state.textContent = "asking";
    try {
      const answer = await call("POST", "/api/cloud/jobs/dry-run", body, { signal: pending.signal });
      draw(answer.gates);
      heard(answer.errors || []);
      state.textContent = "dry run";
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof Problem)) throw error;
      draw([{ name: "Submission", result: "no", verdict: "not possible", text: error.message }]);
      heard(error.fields);
      state.textContent = "dry run";
    }
  }, WAIT_MS);
  return ask;
}

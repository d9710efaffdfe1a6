// The page that submits a job: one draft, asked at the gates as it changes, then submitted once.
import { call, Problem } from "./api.js";
import { all, on, one } from "./dom.js";
import * as fields from "./fields.js";
import { dryRun } from "./gates.js";
import { toastNext } from "./toast.js";

const form = one("form[data-submit]");
const snapshot = one("#snapshot");
const key = crypto.randomUUID?.() || `${Date.now()}-${Math.random()}`;   // pressing twice makes one job

function number(name, { scale = 1, whole = true } = {}) {
  const field = form.elements[name];
  const text = field?.value.trim();
  if (!text) return undefined;
  const value = Number(text);
  if (!Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    throw Object.assign(new Error("Give a number."), { field });
  }
  return Math.round(value * scale);
}

function draft() {
  const place = form.elements.place?.selectedOptions[0];
  const start = form.elements.start;
  const body = {
    team_id: Number(form.elements.team?.value) || undefined, provider: place?.dataset.provider, hardware_profile: place?.dataset.hardware,
    name: form.elements.name.value.trim() || undefined,
    time_limit_seconds: number("limit", { scale: 60, whole: false }), max_attempts: number("attempts"), priority: number("priority"),
    no_wait: form.elements.no_wait.checked || undefined, for_approval: form.elements.for_approval.checked || undefined,
  };
  if (start?.value) Object.assign(body, { start_from_job_id: start.dataset.job, start_from_checkpoint: start.value });
  const source = form.elements.source.value;
  if (source === "snapshot") return { ...body, config: JSON.parse(snapshot.value), config_name: snapshot.dataset.configName, trainer: snapshot.dataset.trainer };
  return { ...body, config_name_to_load: source.slice("config:".length) };
}

const find = (path) => all("[data-field-of]", form).find((field) => field.dataset.fieldOf.split(" ").some((name) => path === name || path.startsWith(`${name}.`)))
  || form.elements[path];

function refuse(error) {
  if (error.field) fields.show(form, new Problem(0, { errors: [{ path: error.field.dataset.fieldOf, message: error.message }] }), () => error.field, { title: "Not submitted" });
  else if (error instanceof Problem) fields.show(form, error, find, { title: "Not submitted" });
  else throw error;
}

async function submit() {
  const button = one("[data-saves]", form);
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await call("POST", "/api/cloud/jobs/submit", { ...draft(), idempotency_key: key });
    const waits = answer.status === "pending_approval";
    toastNext(waits ? "warn" : "ok", `Job ${answer.job_id} was submitted${waits ? " and waits for approval" : ""}.`);
    location.assign(`/jobs/${answer.job_id}`);
  } catch (error) {
    refuse(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function follow() {
  const source = form.elements.source.value;
  const link = one("[data-config-link]", form);
  link.hidden = source === "snapshot";
  link.href = link.dataset.base + encodeURIComponent(source.slice("config:".length));
  form.elements.name.placeholder = source === "snapshot" ? snapshot.dataset.configName : source.slice("config:".length);
}

const ask = dryRun(draft);
on("input", "input, select", () => { follow(); ask(); }, form);
form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
follow();

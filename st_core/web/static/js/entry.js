// The ways in: each form[data-entry] posts to the API as every program does. data-then says where it leads.
import { call, Problem } from "./api.js";
import { bodyOf } from "./bodies.js";
import { all, on, one } from "./dom.js";
import * as fields from "./fields.js";

const token = takeToken();

/** A link's token stands behind the #, which browsers tell nobody; it leaves the address bar at once. */
function takeToken() {
  if (!one("[data-takes-token]")) return "";
  const found = decodeURIComponent(location.hash.slice(1));
  if (found) history.replaceState(null, "", location.pathname);
  standing(Boolean(found));
  return found;
}

/** Show the form of a link that holds, or else what to do about one that does not. */
function standing(holds) {
  for (const part of all("[data-with-token]")) part.hidden = !holds;
  for (const part of all("[data-without-token]")) part.hidden = holds;
}

/** Say whom the link is for; one that does not hold any more says so before anything is typed. */
async function introduce() {
  try {
    const link = await call("POST", "/api/auth/links/show", { token });
    one("[data-link-for]").textContent = link.username || link.email;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    standing(false);
    one("[data-without-token] p").textContent = error.message;
  }
}

async function send(form) {
  const submit = one("button:not([type=button])", form);
  if (submit.hasAttribute("aria-busy")) return;
  const { body } = bodyOf(form);
  if (token) body.token = token;
  submit.setAttribute("aria-busy", "true");
  try {
    follow(form, await call("POST", form.dataset.entry, body));
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    refuse(form, error);
  } finally {
    submit.removeAttribute("aria-busy");
  }
}

function follow(form, answer) {
  const next = one("#second-factor");
  if (answer.second_factor_required && next && form !== next) show(next, form);
  else if (form.dataset.shows) show(one(form.dataset.shows), form);
  else location.assign(form.dataset.then);
}

/** Put one step in the place of another; the focus goes to what is to be filled in next. */
function show(step, before) {
  for (const part of all("[data-first-step]")) part.hidden = true;
  before.hidden = true;
  step.hidden = false;
  (one("input", step) || step).focus();
}

function refuse(form, error) {
  fields.show(form, error, (path) => one(`[name="${CSS.escape(path)}"]`, form), { title: form.dataset.refused });
}

on("submit", "form[data-entry]", (form, event) => { event.preventDefault(); send(form); });
on("click", "[data-reveals]", (button) => {
  const field = document.getElementById(button.dataset.reveals);
  const shown = field.type === "text";
  field.type = shown ? "password" : "text";
  button.setAttribute("aria-pressed", String(!shown));
});
if (token) introduce();
document.documentElement.dataset.ready = "";

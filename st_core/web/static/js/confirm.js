// Before the most dangerous actions the server asks whether it still is you. This dialog answers, and the action goes on.
import { Problem, send } from "./api.js";
import { all, one } from "./dom.js";
import * as fields from "./fields.js";

const dialog = one("#confirm");
const form = one("form", dialog);
const input = one("input", dialog);
const WORDS = {
  password: { label: "Password", type: "password", autocomplete: "current-password" },
  code: { label: "Code of your authenticator app, or a recovery code", type: "text", autocomplete: "one-time-code" },
};
let way = "password";

/** Ask for a proof in one of the ways `problem.body.details.methods` names. Resolves to whether one was given. */
export function confirmed(problem) {
  const ways = problem.body.details?.methods || ["password"];
  const proofs = ways.filter((name) => WORDS[name]);
  one("[data-confirm-fields]", dialog).hidden = !proofs.length;
  again(problem.body.details?.provider, proofs.length);
  const other = one("[data-confirm-other]", dialog);
  other.hidden = proofs.length < 2;
  other.onclick = () => choose(proofs.find((name) => name !== way), other);
  choose(proofs[0] || "password", other);
  dialog.returnValue = "";
  dialog.showModal();
  (proofs.length ? input : one("[data-confirm-go]", dialog)).focus();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

/** The way by signing in once more: at the provider the session began at, which is told to ask, or here. */
function again(provider, others) {
  const next = encodeURIComponent(location.pathname + location.search);
  const box = one("[data-confirm-again]", dialog);
  const link = one("a", box);
  const go = one("[data-confirm-go]", dialog);
  const where = provider ? `${provider.label} asks you once more and leads` : "You sign in once more and are led";
  link.href = go.href = provider ? `${provider.url}&next=${next}` : `/login?again=1&next=${next}`;
  link.textContent = provider ? `confirm it with ${provider.label}` : "";
  go.textContent = provider ? `Continue with ${provider.label}` : "Sign in";
  one("span", box).textContent = others ? "Or" : `${where} back to this page. Then do it again.`;
  box.hidden = Boolean(others) && !provider;
  link.hidden = !others;
  go.hidden = Boolean(others);
  one("[data-yes]", dialog).hidden = !others;
}

function choose(name, other) {
  way = name;
  fields.clear(form);
  input.value = "";
  input.type = WORDS[name].type;
  input.autocomplete = WORDS[name].autocomplete;
  one("label", form).textContent = WORDS[name].label;
  other.textContent = name === "password" ? "Use a code instead" : "Use the password instead";
  input.focus();
}

async function prove() {
  const button = one("[data-yes]", dialog);
  if (button.hasAttribute("aria-busy")) return;
  button.setAttribute("aria-busy", "true");
  fields.clear(form);
  try {
    await send("POST", "/api/auth/confirm", { [way]: input.value });
    dialog.close("yes");
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    fields.mark(input, error.message);
    input.select();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

form.addEventListener("submit", (event) => { event.preventDefault(); prove(); });
dialog.addEventListener("close", () => { input.value = ""; });
for (const button of all("[data-closes]", dialog)) button.addEventListener("click", () => { dialog.returnValue = ""; });

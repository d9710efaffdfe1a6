// Short messages about what the viewer caused, in the corner. Refusals stay until they are dismissed.
import { icon, make, one } from "./dom.js";
import { Problem } from "./api.js";

const LOOKS = { ok: ["check-circle-fill", "ok"], bad: ["x-circle-fill", "bad"], warn: ["exclamation-triangle-fill", "warn"], lost: ["wifi-off", "warn"] };
const STAYS_MS = 6000;

/** Show `text`; `more` is a second, quieter line; `link` is {word, url} or {word, act}. Returns a function that removes it. */
export function toast(kind, text, { more = "", link = null, stays = kind !== "ok" } = {}) {
  const [name, ink] = LOOKS[kind];
  const words = make("p", {}, text);
  if (link) words.append(" ", link.url ? make("a", { href: link.url, textContent: link.word }) : action(link));
  if (more) words.append(make("span", { className: "d-block muted tiny", textContent: more }));
  const close = make("button", { className: "icon-btn", type: "button", "aria-label": "Dismiss" }, icon("x-lg"));
  const box = make("div", { className: "notice" }, icon(name, ink), words, close);
  if (kind === "bad") box.setAttribute("role", "alert");
  const remove = () => box.remove();
  close.addEventListener("click", remove);
  one("#toasts").append(box);
  if (!stays) setTimeout(remove, STAYS_MS);
  return remove;
}

function action(link) {
  const button = make("button", { className: "btn btn-link p-0", type: "button", textContent: link.word });
  button.addEventListener("click", link.act);
  return button;
}

/** Show what went wrong, in the server's words, with the request id where it made a mistake. */
export function complain(error) {
  if (!(error instanceof Problem)) throw error;
  if (error.status === 401) {
    toast("bad", error.message, { link: { word: "Sign in", url: `/login?next=${encodeURIComponent(location.pathname + location.search)}` } });
    return;
  }
  const more = error.status >= 500 && error.requestId ? `Request ${error.requestId}` : error.fields.map((field) => `${field.path}: ${field.message}`).join("; ");
  toast("bad", error.message, { more });
}

const NOTE = "st-toast";

/** Show a message on the page that is opened next. */
export function toastNext(kind, text, options = {}) {
  sessionStorage.setItem(NOTE, JSON.stringify([kind, text, options]));
}

const waiting = sessionStorage.getItem(NOTE);
if (waiting) {
  sessionStorage.removeItem(NOTE);
  toast(...JSON.parse(waiting));
}

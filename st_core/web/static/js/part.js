// Forms that ask for one part of their page: data-part is its id. The answer's drawing of it goes into the part that is there,
// which a screen reader then reads, and the rest of the page stays as it is. Without scripts the whole page comes.
import { Problem } from "./api.js";
import { all, one } from "./dom.js";
import { mergeSprite } from "./refresh.js";
import { complain } from "./toast.js";

async function fetched(url) {
  const answer = await fetch(url, { headers: { Accept: "text/html" }, credentials: "same-origin" }).catch(() => null);
  if (!answer) throw new Problem(0, { code: "unreachable", detail: "The server cannot be reached. Try again when it is back." });
  if (!answer.ok) throw new Problem(answer.status, {});
  return new DOMParser().parseFromString(await answer.text(), "text/html");
}

async function ask(form) {
  const button = one("button:not([type=button])", form), part = document.getElementById(form.dataset.part);
  button.setAttribute("aria-busy", "true");
  try {
    const next = await fetched(`${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`);
    mergeSprite(next);
    const drawing = document.importNode(next.getElementById(part.id), true);
    part.replaceChildren(...drawing.childNodes);
    part.scrollIntoView({ block: "nearest" });
  } catch (error) {
    complain(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

for (const form of all("form[data-part]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!one("[aria-busy]", form)) ask(form);
  });
}

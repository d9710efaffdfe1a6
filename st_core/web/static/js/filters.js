// Filters of a list: selects apply at once, chips can be removed, and a view is its URL kept in this browser.
import { all, icon, make, on, one } from "./dom.js";
import { toast } from "./toast.js";

const form = one("[data-filters]");
const STORED = `st-views:${location.pathname}`;

const views = () => JSON.parse(localStorage.getItem(STORED) || "[]");
const store = (list) => localStorage.setItem(STORED, JSON.stringify(list));

on("change", "select", () => form.requestSubmit(), form);
form.addEventListener("submit", () => {   // what is empty does not belong into the URL
  for (const field of all("input, select", form)) if (!field.value) field.disabled = true;
});
addEventListener("pageshow", () => { for (const field of all("input, select", form)) field.disabled = false; });
on("click", "[data-remove-filter]", (button) => {
  for (const name of button.dataset.removeFilter.split(" ")) {
    for (const field of all(`[name="${name}"]`, form)) field.value = "";
  }
  form.requestSubmit();
}, form);

on("click", "[data-save-view]", () => {
  const query = new URLSearchParams(location.search);
  query.delete("cursor");
  const name = describe(query);
  store([...views().filter((view) => view.query !== query.toString()), { name, query: query.toString() }]);
  draw();
  toast("ok", `View saved: ${name}.`);
});

function describe(query) {
  const words = [...query].map(([name, value]) => {
    const field = one(`[name="${CSS.escape(name)}"]`, form);
    return field?.selectedOptions ? field.selectedOptions[0].textContent.trim() : `“${value}”`;
  });
  return words.join(", ") || "everything";
}

function draw() {
  const place = one("[data-views]");
  if (!place) return;
  place.hidden = views().length === 0;
  place.replaceChildren(...views().map((view) => {
    const link = make("a", { href: `${location.pathname}?${view.query}`, textContent: view.name });
    const drop = make("button", { type: "button", "aria-label": `Forget the view ${view.name}` }, icon("x-lg"));
    drop.addEventListener("click", () => { store(views().filter((other) => other.query !== view.query)); draw(); });
    return make("span", { className: "chip" }, link, drop);
  }));
}

draw();
for (const button of all("[data-save-view]")) button.hidden = !location.search || location.search === "?";

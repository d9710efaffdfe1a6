// Panels "What it would have done": the document in the field is decided over the recorded past, and nothing is saved.
import { call } from "./api.js";
import { make, on, one } from "./dom.js";

const USD = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD" });
const WORDS = { refused: "refused", asked: "asked people", admitted: "admitted" };

on("submit", "[data-what-if] form", async (form, event) => {
  event.preventDefault();
  const panel = form.closest("[data-what-if]");
  const problem = one("[data-problem]", panel);
  problem.replaceChildren();
  let document_;
  try {
    document_ = JSON.parse(one("[data-document]", panel).value);
  } catch (error) {
    return complain(problem, `The document is not JSON: ${error.message}`);
  }
  const button = one("button", form);
  button.setAttribute("aria-busy", "true");
  try {
    const days = Number(one("[data-days]", panel).value);
    draw(one("[data-answer]", panel), await call("POST", "/api/policy/what-if", { policy: panel.dataset.whatIf, document: document_, days }));
  } catch (error) {
    complain(problem, error.message);
  } finally {
    button.removeAttribute("aria-busy");
  }
});

const complain = (place, text) => place.replaceChildren(make("p", { className: "small text-danger", role: "alert", textContent: text }));

function draw(place, found) {
  const one_ = found.changed === 1;
  const title = make("p", {}, make("strong", { textContent: `${found.changed} of ${found.considered} submissions would have come out otherwise.` }));
  const parts = [title];
  if (found.changed) {
    const heads = ["Person", ...Object.values(WORDS).flatMap((word) => [word, "cost"])];
    const all = [...found.people, { user: "Everybody", ...found.total }];
    parts.push(table(heads, all.map((row) => [row.user, ...Object.keys(WORDS).flatMap((name) => [String(row[name]), USD.format(row[`${name}_usd`])])])));
    parts.push(make("h3", { className: "mt-3 mb-2", textContent: one_ ? "The one" : "Some of them" }));
    parts.push(make("ul", { className: "small" }, ...found.examples.map(example)));
  }
  parts.push(make("p", { className: "tiny muted mb-0", textContent: found.notes.join(" ") }));
  place.replaceChildren(...parts);
  place.hidden = false;
}

function example(row) {
  const link = make("a", { href: `/decisions/${row.decision_id}`, textContent: row.job_id ? `Job ${row.job_id}` : `Decision ${row.decision_id}` });
  return make("li", {}, link, ` of ${row.user}: ${WORDS[row.before]} then, ${WORDS[row.after]} under this document. ${row.text}`);
}

function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((text, at) => make("th", { scope: "col", className: at ? "num" : "", textContent: text })));
  const body = rows.map(([name, ...cells]) => make("tr", {}, make("th", { scope: "row", textContent: name }), ...cells.map((text) => make("td", { className: "num", textContent: text }))));
  return make("div", { className: "table-wrap" }, make("table", { className: "table" }, make("thead", {}, head), make("tbody", {}, ...body)));
}

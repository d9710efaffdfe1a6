// The command palette: jobs and configs from the API, pages from the sidebar, actions the viewer may take.
import { call } from "./api.js";
import { all, icon, make, may, one, settled } from "./dom.js";

const WAIT_MS = 120;
const dialog = one("#palette");
const input = one("input", dialog);
const list = one("[role=listbox]", dialog);
const none = one(".palette-none", dialog);
let pending = null;

const WORDS = {
  pending_approval: "Needs approval", queued: "Queued", starting: "Starting", running: "Running",
  completed: "Completed", failed: "Failed", cancelled: "Cancelled",
};

const ACTIONS = [
  { word: "Submit a job", end: ["c"], icon: "plus-lg", needs: "job.submit", url: () => document.body.dataset.submitUrl },
  { word: "Make a config", icon: "plus-lg", needs: "config.create", url: () => document.body.dataset.newConfigUrl },
  { word: "Switch between light and dark", icon: "circle-half", run: () => one("[data-mode]").click() },
  { word: "Keyboard shortcuts", end: ["?"], icon: "question-circle", run: () => one("#help").showModal() },
];

function pages() {
  return all(".sidenav a").map((link) => ({
    word: one("span", link).textContent,
    under: link.closest("ul").previousElementSibling.textContent,
    icon: one("use", link).getAttribute("href").slice(3),
    end: link.dataset.shortcut ? link.dataset.shortcut.split(" ") : [],
    url: () => link.href,
  }));
}

const fits = (entry, words) => words.every((word) => `${entry.word} ${entry.under || ""}`.toLowerCase().includes(word));

async function found(text) {
  if (!text) return [];
  pending?.abort();
  pending = new AbortController();
  const options = { signal: pending.signal };
  const query = encodeURIComponent(text);
  const [jobs, configs, people] = await Promise.allSettled([
    call("GET", `/api/cloud/jobs?q=${query}&limit=6`, undefined, options),
    call("GET", `/api/configs?q=${query}&limit=5`, undefined, options),
    may("admin.users") ? call("GET", `/api/users?q=${query}&limit=5`, undefined, options) : { users: [] },
  ]);
  if (options.signal.aborted) return null;
  return [
    ["Jobs", (jobs.value?.jobs || []).map((job) => ({ word: job.name, note: `job ${job.job_id}`, icon: "list-task", says: WORDS[job.status] || job.status, url: () => `/jobs/${job.job_id}` }))],
    ["Configs", (configs.value?.configs || []).map((config) => ({ word: config.name, icon: "file-earmark-code", says: `revision ${config.revision}`, url: () => `/configs/${encodeURIComponent(config.name)}` }))],
    ["People", (people.value?.users || []).map((person) => ({ word: person.display_name || person.username, icon: "people", says: person.username, url: () => `/admin/users/${person.id}` }))],
  ];
}

async function fill() {
  const text = input.value.trim();
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const fixed = [["Pages", pages()], ["Actions", ACTIONS.filter((entry) => !entry.needs || may(entry.needs))]]
    .map(([title, entries]) => [title, entries.filter((entry) => fits(entry, words))]);
  const live = await found(text);
  if (live) draw([...live, ...fixed]);
}

function draw(groups) {
  list.replaceChildren();
  let number = 0;
  for (const [title, entries] of groups) {
    if (!entries.length) continue;
    list.append(make("li", { className: "group", role: "presentation", textContent: title }));
    for (const entry of entries) list.append(option(entry, number += 1));
  }
  none.hidden = number > 0;
  choose(options()[0]);
}

function option(entry, number) {
  const end = make("span", { className: "end" }, ...(entry.end || []).map((key) => make("kbd", { textContent: key })), entry.says || "");
  const word = make("span", { className: "truncate" }, entry.word);
  const quiet = entry.note || entry.under;
  if (quiet) word.append(" ", make("span", { className: "muted", textContent: quiet }));
  const item = make("li", { role: "option", id: `po-${number}`, "aria-selected": "false" }, icon(entry.icon), word, end);
  item.open = () => { dialog.close(); if (entry.run) entry.run(); else location.assign(entry.url()); };
  item.addEventListener("click", item.open);
  item.addEventListener("pointermove", () => choose(item));
  return item;
}

const options = () => all("[role=option]", list);

function choose(item) {
  for (const other of options()) other.setAttribute("aria-selected", other === item);
  if (item) {
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
}

input.addEventListener("input", settled(fill, WAIT_MS));
input.addEventListener("keydown", (event) => {
  const shown = options();
  const at = shown.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    choose(shown[(at + (event.key === "ArrowDown" ? 1 : shown.length - 1)) % shown.length]);
  } else if (event.key === "Enter") {
    event.preventDefault();
    shown[at]?.open();
  }
});
dialog.addEventListener("st-open", () => { input.select(); fill(); });

/** Open the palette. */
export function openPalette() {
  if (dialog.open) return;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("st-open"));
}

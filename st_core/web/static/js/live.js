// The page's one connection to /api/events. Modules ask for events by the beginning of their name.
// States: Live; Reconnecting (the browser tries again, with Last-Event-ID); Checking (no stream free: ask every few seconds).
import { one } from "./dom.js";
import { refresh } from "./refresh.js";
import { toast } from "./toast.js";

const POLL_MS = 5000;
const RETRY_MS = 30000;
const HIDDEN_MS = 60000;
const WORDS = { live: "Live", lost: "Reconnecting", polling: "Checking every 5 s", paused: "Paused" };
const listeners = [];
const state = one("[data-live-state]");
let source = null;
let poll = 0;
let unsay = null;
let last = document.body.dataset.event;
let hiddenTimer = 0;

/** Call `react({name, data})` for every event whose name begins with one of `names`. */
export function follow(names, react) {
  listeners.push({ names, react });
}

function show(now) {
  if (!state) return;
  state.hidden = false;
  state.dataset.state = now === "live" ? "" : "lost";
  state.textContent = WORDS[now];
  state.title = now === "live" ? "" : `What you see is from ${new Date(drawn).toLocaleTimeString()}`;
}

let drawn = document.body.dataset.drawn;
document.addEventListener("st-refreshed", () => { drawn = new Date().toISOString(); });

function told(message) {
  if (message.lastEventId) last = message.lastEventId;
  let data = {};
  try { data = JSON.parse(message.data); } catch { return; }
  const name = data.name || data.type || message.type;
  for (const { names, react } of listeners) {
    if (names.some((begin) => name.startsWith(begin))) react({ name, data });
  }
}

function connect() {
  const url = new URL(document.body.dataset.events, location.href);
  if (last) url.searchParams.set("last_event_id", last);
  source = new EventSource(url);
  source.addEventListener("open", () => { show("live"); stopPolling(); unsay?.(); unsay = null; });
  source.addEventListener("error", failed);
  source.addEventListener("reset", refresh);
  for (const type of ["message", "event", "training.progress"]) source.addEventListener(type, told);
}

function failed() {
  if (source.readyState === EventSource.CLOSED) {   // refused, most likely because no stream is free
    source.close();
    startPolling();
    setTimeout(connect, RETRY_MS);
    return;
  }
  show("lost");
  unsay ??= toast("lost", "Connection lost. Trying again.", { more: `What you see is from ${new Date(drawn).toLocaleTimeString()}.` });
}

function startPolling() {
  show("polling");
  poll ||= setInterval(refresh, POLL_MS);
}

function stopPolling() {
  clearInterval(poll);
  poll = 0;
}

/** A tab nobody looks at gives its stream back after a while and catches up when it is looked at again. */
function looked() {
  clearTimeout(hiddenTimer);
  if (document.hidden) {
    hiddenTimer = setTimeout(() => { source?.close(); source = null; stopPolling(); show("paused"); }, HIDDEN_MS);
  } else if (!source) {
    connect();
    refresh();
  }
}

if (document.body.dataset.events && window.EventSource) {
  connect();
  document.addEventListener("visibilitychange", looked);
  addEventListener("pagehide", () => { source?.close(); source = null; });
  addEventListener("pageshow", (event) => { if (event.persisted) { connect(); refresh(); } });
  const watched = one("[data-watch]")?.dataset;
  follow(["job.", "queue.", "training.", "config.", "settings."], ({ name, data }) => {
    const job = watched?.job;
    if (!watched || !watched.watch.split(" ").some((begin) => name.startsWith(begin))) return;
    if (!job || String(data.job_id ?? "") === job) refresh();
  });
}

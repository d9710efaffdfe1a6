// A log that follows: new lines are fetched from where the page ended; it follows until the reader scrolls up.
import { call, Problem } from "./api.js";
import { make, on, one } from "./dom.js";
import { follow } from "./live.js";

const ASK_MS = 1500;
const MOST_LINES = 5000;
const NEAR_PX = 24;
const ANSI = /\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07/g;
const BAD = /\b(\w*error|\w*exception|traceback|fatal|critical|killed|out of memory)\b/i;
const WARN = /\bwarn(ing)?\b/i;

const box = one("[data-log]");
const list = one("ol", box);
const button = one("[data-follow-log]");
const search = one("[data-log-search]");
let after = Number(box.dataset.after);
let number = Number(box.dataset.line);
let open = "";           // a line whose end has not come yet
let openItem = null;
let grows = box.hasAttribute("data-grows");
let follows = true;
let asking = false;

/** A line as it is shown: without colours, of a bar drawn over itself only the last state. */
const clean = (line) => line.replace(ANSI, "").split("\r").filter((part) => part.trim()).pop() || "";

function item(line) {
  const text = clean(line);
  const ink = BAD.test(text) ? "bad" : WARN.test(text) ? "warn" : "";
  const li = make("li", { id: `L${number}` }, make("span", { className: "n", textContent: String(number) }), make("span", { className: ink, textContent: text }));
  return li;
}

function add(text) {
  const lines = (open + text).split("\n");
  openItem?.remove();
  openItem = null;
  open = lines.pop();
  for (const line of lines) {
    list.append(item(line));
    number += 1;
  }
  if (open) list.append(openItem = item(open));
  while (list.children.length > MOST_LINES) list.firstElementChild.remove();
  if (search?.value) mark();
  if (follows) toEnd();
}

const toEnd = () => { box.scrollTop = box.scrollHeight; };

async function more() {
  if (asking || !grows || document.hidden) return;
  asking = true;
  try {
    let part;
    do {
      part = await call("GET", `${box.dataset.url}?after=${after}`);
      if (part.logs) add(part.logs);
      after = part.next;
    } while (part.next < part.size_bytes);
    if (part.is_complete) stop();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;   // the next look tries again
  } finally {
    asking = false;
  }
}

function stop() {
  grows = false;
  clearInterval(timer);
  if (button) button.hidden = true;
}

function setFollows(now) {
  follows = now;
  if (!button) return;
  button.setAttribute("aria-pressed", String(now));
  button.textContent = now ? "Following" : "Follow";
  button.dataset.state = now ? "" : "off";
  if (now) toEnd();
}

box.addEventListener("scroll", () => {
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
  if (atEnd !== follows) setFollows(atEnd);
});
on("click", ".n", (span) => { history.replaceState(null, "", `#${span.parentElement.id}`); }, box);
on("click", "[data-follow-log]", () => setFollows(!follows));

// ── search ──────────────────────────────────────────────────────────────────────────────────────────────────

function mark() {
  const words = search.value.trim().toLowerCase();
  let first = null;
  for (const li of list.children) {
    const hit = Boolean(words) && li.textContent.toLowerCase().includes(words);
    li.classList.toggle("hit", hit);
    if (hit) first ??= li;
  }
  return first;
}

if (search) {
  search.hidden = false;
  search.addEventListener("input", () => {
    const first = mark();
    if (first) { setFollows(false); box.scrollTop = first.offsetTop - list.offsetTop - 40; }
  });
}

let timer = 0;
if (button && grows) button.hidden = false;
if (location.hash.startsWith("#L")) setFollows(false); else toEnd();
if (grows) {
  timer = setInterval(more, ASK_MS);
  follow(["job.", "training."], more);
}

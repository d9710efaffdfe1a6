// Moments in the reader's own time zone; relative ones grow older while the page stays open.
import { all } from "./dom.js";

const STEP_MS = 20000;
const pad = (value) => String(value).padStart(2, "0");
const clock = (at) => `${pad(at.getHours())}:${pad(at.getMinutes())}`;
const date = (at) => `${at.getDate()} ${at.toLocaleString("en", { month: "short" })} ${at.getFullYear()}`;
const exact = (at) => `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())} ${clock(at)}:${pad(at.getSeconds())}`;

function ago(at) {
  const seconds = (Date.now() - at) / 1000;
  if (seconds < 5) return "just now";
  for (const [limit, unit, word] of [[60, 1, "s"], [3600, 60, "min"], [86400, 3600, "h"]]) {
    if (seconds < limit) return `${Math.floor(seconds / unit)} ${word} ago`;
  }
  return seconds < 14 * 86400 ? `${Math.floor(seconds / 86400)} d ago` : date(at);
}

const SHOW = { ago, clock, date, exact };

/** Put every `<time data-show>` below `root` into local words. */
export function localise(root = document) {
  for (const time of all("time[data-show]", root)) {
    const at = new Date(time.dateTime);
    time.textContent = SHOW[time.dataset.show](at);
    time.title = `${exact(at)} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
  }
}

localise();
setInterval(localise, STEP_MS);
document.addEventListener("st-refreshed", () => localise());

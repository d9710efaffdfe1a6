// The entry of every page. A page's own module is loaded only where the page has what it works on.
import "./refresh.js";
import "./times.js";
import "./toast.js";
import "./dialogs.js";
import "./actions.js";
import "./keyboard.js";
import "./live.js";
import { one } from "./dom.js";

const PARTS = {
  "[data-filters]": "./filters.js",
  "[data-log]": "./log.js",
  "#viewer": "./samples.js",
  "form[data-editor]": "./editor.js",
  "form[data-submit]": "./submit.js",
  "form[data-form]": "./forms.js",
  "[data-once-dialog]": "./once.js",
  "[data-key-form]": "./keys.js",
  "[data-provider]": "./provider.js",
  "[data-enrols]": "./factor.js",
  "[data-avatar]": "./avatar.js",
  "#priority": "./queue.js",
  "[data-why]": "./why.js",
  "[data-what-if]": "./what-if.js",
  "[data-onboarding]": "./onboarding.js",
  "form[data-part]": "./part.js",
};

const needed = Object.keys(PARTS).filter((query) => one(query));

// Until its module is there, a form would be sent by the browser itself, to the page's own address: it waits.
const loaded = Promise.all(needed.map((query) => import(PARTS[query]))).then(() => {
  document.removeEventListener("submit", later, true);
  document.documentElement.dataset.ready = "";
});

function later(event) {
  if (!needed.some((query) => event.target.matches(query))) return;
  event.preventDefault();
  loaded.then(() => event.target.requestSubmit(event.submitter));
}

document.addEventListener("submit", later, true);

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
  "#priority": "./queue.js",
  "[data-onboarding]": "./onboarding.js",
};

for (const [query, module] of Object.entries(PARTS)) {
  if (one(query)) import(module);
}

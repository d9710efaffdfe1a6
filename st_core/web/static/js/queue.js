// The queue's page: the dialog that gives a waiting job another priority.
import { call } from "./api.js";
import { on, one } from "./dom.js";
import * as fields from "./fields.js";
import { refresh } from "./refresh.js";
import { complain, toast } from "./toast.js";

const dialog = one("#priority");
const input = one("#priority-value");
let job = null;

on("click", "[data-priority]", (button) => {
  job = button.dataset.priority;
  fields.clear(dialog);
  one("[data-priority-text]", dialog).textContent = `Job ${job}, ${button.dataset.name}, has ${button.dataset.value} now.`;
  one("[data-priority-back]", dialog).hidden = button.dataset.overridden !== "true";
  input.value = button.dataset.value;
  dialog.showModal();
  input.select();
});

async function set(priority) {
  try {
    const answer = await call("POST", `/api/queue/${job}/priority`, { priority });
    dialog.close();
    toast("ok", `Job ${job} has priority ${answer.new_effective_priority} now.`);
    refresh();
  } catch (error) {
    if (error.fields?.length) fields.mark(input, error.fields[0].message);
    else complain(error);
  }
}

function save() {
  fields.clear(dialog);
  const priority = Number(input.value);
  if (input.value.trim() === "" || !Number.isInteger(priority) || priority < 0 || priority > 50) fields.mark(input, "Give a whole number from 0 to 50.");
  else set(priority);
}

on("click", "[data-priority-save]", save);
on("click", "[data-priority-back]", () => set(null));
on("submit", "[data-priority-form]", (_, event) => { event.preventDefault(); save(); });

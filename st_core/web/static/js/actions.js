// Buttons that send one request to the API: data-act is the URL; data-ask asks first; data-then says what follows.
import { call } from "./api.js";
import { on } from "./dom.js";
import { ask } from "./dialogs.js";
import { refresh } from "./refresh.js";
import { complain, toast, toastNext } from "./toast.js";

/** Fill {name} in a template with the answer's field. */
const filled = (template, answer) => template.replace(/\{(\w+)\}/g, (_, name) => answer[name] ?? "");

async function act(button) {
  const { act: url, method = "POST", done, then, askField } = button.dataset;
  let body = button.dataset.body === undefined ? undefined : JSON.parse(button.dataset.body);
  if (button.dataset.ask) {
    const { ask: title, askText: text, askYes: yes, askNo: no, askLabel: label } = button.dataset;
    const said = await ask({ title, text, yes, no, label });
    if (said === null) return;
    if (askField) body = { ...body, [askField]: said };
  }
  button.setAttribute("aria-busy", "true");
  try {
    const answer = await call(method, url, body);
    if (button.dataset.once) return (await import("./once.js")).showOnce(button.dataset.once, answer);
    if (answer[button.dataset.goesOn]) return location.assign(answer[button.dataset.goesOn]);
    follow(then, done ? filled(done, answer) : "", answer);
  } catch (error) {
    complain(error);
  } finally {
    button.removeAttribute("aria-busy");
  }
}

function follow(then, done, answer) {
  if (then && then !== "refresh") {
    if (done) toastNext("ok", done);
    location.assign(filled(then, answer));
    return;
  }
  if (done) toast("ok", done);
  if (then === "refresh") refresh();
}

on("click", "[data-act]", (button) => { if (!button.hasAttribute("aria-busy")) act(button); });

on("click", "[data-copy]", async (button) => {
  const copied = await copy(button.dataset.copy);
  toast(copied ? "ok" : "warn", copied ? "Copied." : "The browser did not allow copying. Select the text instead.");
});

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

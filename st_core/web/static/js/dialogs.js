// Dialogs: opened by data-opens, closed by data-closes, and the question before something is destroyed.
import { all, on, one } from "./dom.js";

on("click", "[data-opens]", (button) => {
  const dialog = document.getElementById(button.dataset.opens);
  dialog?.showModal();
  dialog?.dispatchEvent(new CustomEvent("st-open"));
});
on("click", "[data-closes]", (button) => button.closest("dialog")?.close());
on("click", "dialog:not([data-once-dialog])", (dialog, event) => { if (event.target === dialog) dialog.close(); });
const offer = () => all("button[data-opens]").forEach((button) => { button.hidden = false; });
offer();
document.addEventListener("st-refreshed", offer);

/**
 * Ask before something ends: what ends and what stays, the red button repeats the verb, focus is on the harmless one.
 * With `label` it also wants a text. Resolves to null for no, else to the text.
 */
export function ask({ title, text, yes, no = "Keep it", label = "" }) {
  const dialog = one("#ask");
  one("#ask-title").textContent = title;
  const lines = text.split("\n").map((line) => Object.assign(document.createElement("p"), { textContent: line }));
  one("#ask-text").replaceChildren(...lines);
  one("#ask-field").hidden = !label;
  one("#ask-field label").textContent = label;
  one("#ask-value").value = "";
  one("[data-yes]", dialog).textContent = yes;
  one("[data-no]", dialog).textContent = no;
  dialog.returnValue = "";
  dialog.showModal();
  one("[data-no]", dialog).focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? one("#ask-value").value : null), { once: true });
  });
}

// What is shown once: the key or link that an answer brings, with a button that copies it. It is on no page that can be opened again.
import { all, on, one } from "./dom.js";
import { refresh } from "./refresh.js";

const FIELDS = ["key", "url", "link"];

/** Show what `answer` brings in the dialog `id`; lists become lines. */
export function showOnce(id, answer) {
  const dialog = document.getElementById(id);
  const found = FIELDS.map((name) => answer[name]).find(Boolean) || (answer.recovery_codes || []).join("\n");
  one("[data-once-text]", dialog).textContent = found;
  one("[data-copy]", dialog).dataset.copy = found;
  dialog.showModal();
  one("[data-copy]", dialog).focus();
}

on("st-answered", "form[data-once]", (form, event) => { form.closest("dialog")?.close(); showOnce(form.dataset.once, event.detail); });

for (const dialog of all("[data-once-dialog]")) {
  dialog.addEventListener("cancel", (event) => event.preventDefault());   // Esc must not take it away unread
  dialog.addEventListener("close", () => { one("[data-once-text]", dialog).textContent = ""; one("[data-copy]", dialog).dataset.copy = ""; refresh(); });
}

// The dialog that makes an API key: its scopes are asked for only when the key is to may less than its owner.
import { on, one } from "./dom.js";

const list = one("[data-key-scopes]");

on("change", "[data-key-scope]", (select) => { list.hidden = select.value === "all"; });
on("st-body", "[data-key-form]", (form, event) => {
  const { body, wrong } = event.detail;
  if (one("[data-key-scope]", form).value === "all") body.scoped_permissions = null;
  else if (!body.scoped_permissions.length) wrong.push({ path: "scoped_permissions", message: "Tick at least one permission." });
});

// Long forms: show only the fields whose words fit, and only the groups that still have some.
import { all, one } from "./dom.js";

/** Hide every [data-field] below `form` that does not hold `text` or that `also` turns down. */
export function narrow(form, text, also = () => true) {
  const words = text.trim().toLowerCase();
  let shown = 0;
  for (const row of all("[data-field]", form)) {
    const fits = row.textContent.toLowerCase().includes(words) && also(row);
    row.hidden = !fits;
    shown += fits;
  }
  for (const group of all("[data-group]", form)) group.hidden = !one("[data-field]:not([hidden])", group);
  const none = one("[data-none-found]", form);
  if (none) none.hidden = shown > 0;
}

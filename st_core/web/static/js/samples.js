// The sample viewer: one picture in full; the arrow keys go through the others in the order of the page.
import { all, on, one } from "./dom.js";

const dialog = one("#viewer");
const picture = one("img", dialog);
let at = 0;

const samples = () => all("[data-sample]");

function show(index) {
  const list = samples();
  at = Math.min(Math.max(index, 0), list.length - 1);
  const link = list[at];
  picture.src = link.href;
  picture.alt = link.dataset.sample;
  picture.className = one("img", link).className;
  one("#viewer-title").textContent = link.dataset.sample;
  one("[data-viewer-place]", dialog).textContent = `${at + 1} of ${list.length}`;
  one("[data-viewer-open]", dialog).href = link.href;
  for (const button of all("[data-step]", dialog)) button.disabled = !list[at + Number(button.dataset.step)];
}

on("click", "[data-sample]", (link, event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(samples().indexOf(link));
  dialog.showModal();
});
on("click", "[data-step]", (button) => show(at + Number(button.dataset.step)), dialog);
dialog.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) { event.preventDefault(); show(at + step); }
});
dialog.addEventListener("close", () => samples()[at]?.focus());

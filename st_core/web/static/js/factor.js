// Setting up the second factor: the key is asked for when the dialog opens, and is on no page.
import { call, Problem } from "./api.js";
import { make, one } from "./dom.js";
import { complain } from "./toast.js";

const dialog = one("[data-enrols]");

/** Show the key as a picture and as text. The picture is an image of its own, so that the page's policy holds for it. */
function show(enrolment) {
  const picture = make("img", { src: `data:image/svg+xml,${encodeURIComponent(standalone(enrolment.qr_svg))}`, alt: "QR code of the key below", width: 200, height: 200 });
  one("[data-qr]", dialog).replaceChildren(picture);
  one("[data-secret]", dialog).textContent = enrolment.secret.match(/.{1,4}/g).join(" ");
  one("[data-copy]", dialog).dataset.copy = enrolment.secret;
  one("input[name=code]", dialog).focus();
}

const standalone = (svg) => (svg.includes("xmlns=") ? svg : svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"'));

async function begin() {
  try {
    show(await call("POST", dialog.dataset.enrols));
  } catch (error) {
    dialog.close();
    if (!(error instanceof Problem)) throw error;
    complain(error);
  }
}

dialog.addEventListener("st-open", begin);
if (dialog.open) begin();   // it was opened before this module was there
dialog.addEventListener("close", () => { one("[data-qr]", dialog).replaceChildren(); one("[data-secret]", dialog).textContent = ""; });

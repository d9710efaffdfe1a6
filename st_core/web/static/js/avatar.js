// One's own picture: read here, sent as a data URL; the server draws it anew.
import { call, Problem } from "./api.js";
import { one } from "./dom.js";
import { complain, toast, toastNext } from "./toast.js";

const MOST_BYTES = 512 * 1024;
const input = one("[data-avatar] input[type=file]");

const dataUrl = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.addEventListener("load", () => resolve(reader.result));
  reader.addEventListener("error", () => reject(reader.error));
  reader.readAsDataURL(file);
});

input.addEventListener("change", async () => {
  const [file] = input.files;
  if (!file) return;
  if (file.size > MOST_BYTES) { toast("bad", `This picture has ${Math.ceil(file.size / 1024)} KB. Choose one of at most 512 KB.`); input.value = ""; return; }
  try {
    await call("POST", "/api/users/me/avatar/upload", { data_url: await dataUrl(file) });
    toastNext("ok", "The picture is yours.");
    location.reload();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    complain(error);
  }
});

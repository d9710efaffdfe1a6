// Runs before the first paint: the reader's stored choice of light or dark, else what the operating system prefers.
(() => {
  const stored = () => localStorage.getItem("st-mode");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => { document.documentElement.dataset.bsTheme = stored() || (system.matches ? "dark" : "light"); };
  apply();
  system.addEventListener("change", apply);
})();

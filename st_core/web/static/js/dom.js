// Short names for what every module does with the page.

/** The first element that matches, or null. */
export const one = (query, root = document) => root.querySelector(query);

/** All elements that match, as an array. */
export const all = (query, root = document) => [...root.querySelectorAll(query)];

/** Call `react(element, event)` when something inside an element that matches `query` fires `type`, now or later. */
export function on(type, query, react, root = document) {
  root.addEventListener(type, (event) => {
    const element = event.target instanceof Element ? event.target.closest(query) : null;
    if (element) react(element, event);
  });
}

/** A new element. Text goes in as text, never as HTML; properties that begin with data- or aria- become attributes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role" || name === "for") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An icon out of this page's sprite; base.html keeps the ones scripts use. */
export function icon(name, cls = "") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", `icon ${cls}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Whether the viewer holds a permission; the server decides again on every call. */
export function may(permission) {
  const held = document.body.dataset.may.split(" ");
  return held.includes("*") || held.includes(permission);
}

/** Call `work` once, `wait` milliseconds after the last of a burst of calls. */
export function settled(work, wait) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), wait);
  };
}

/** Whether a key press belongs to a field, where single letters are text. */
export const isTyping = (event) => event.target instanceof Element
  && Boolean(event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]"));

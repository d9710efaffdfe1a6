// A draft is a plain JSON object; paths are dotted.

/** The value at a path, undefined where there is none. */
export const get = (data, path) => path.split(".").reduce((node, name) => node?.[name], data);

/** Set a value at a path; undefined removes the key, and objects that are empty then. */
export function put(data, path, value) {
  const [name, ...rest] = path.split(".");
  if (rest.length) {
    const inner = data[name] && typeof data[name] === "object" ? data[name] : {};
    put(inner, rest.join("."), value);
    if (Object.keys(inner).length) data[name] = inner; else delete data[name];
  } else if (value === undefined) {
    delete data[name];
  } else {
    data[name] = value;
  }
}

/** Whether two JSON values are equal. */
export function same(one, other) {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const keys = Object.keys(one);
  return Array.isArray(one) === Array.isArray(other) && keys.length === Object.keys(other).length && keys.every((key) => key in other && same(one[key], other[key]));
}

/** A value as people read JSON. */
export const written = (value) => JSON.stringify(value, null, 2);

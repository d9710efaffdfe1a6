// One way to call the JSON API: the CSRF token goes along, and every error comes back as a Problem with its text.

/** What the server answered instead of success: `detail` for people, `code` for programs, `fields` per path. */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.message || `The server answered ${status}.`);
    this.status = status;
    this.code = body.code || "";
    this.title = body.title || "";
    this.requestId = body.request_id || "";
    this.fields = Array.isArray(body.errors) ? body.errors : [];
    this.body = body;
  }
}

const token = () => document.cookie.split("; ").find((pair) => /^(__Host-)?csrf_token=/.test(pair))?.split("=")[1] || "";

/**
 * Send one request and return the decoded answer. Throws a Problem when the server refuses or cannot be reached.
 * Where the server first wants to know that it still is you, it is asked, and the request is sent once more.
 */
export async function call(method, url, body, options = {}) {
  try {
    return await send(method, url, body, options);
  } catch (error) {
    if (error.code !== "step_up_required") throw error;
    const { confirmed } = await import("./confirm.js");
    if (await confirmed(error)) return send(method, url, body, options);
    throw new Problem(0, { code: "not_confirmed", detail: "Nothing was changed: you did not confirm that it is you." });
  }
}

/** Send one request as it is. */
export async function send(method, url, body, options = {}) {
  const headers = { Accept: "application/json", "X-CSRF-Token": decodeURIComponent(token()), ...options.headers };
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(url, {
      method, headers, credentials: "same-origin", signal: options.signal,
      body: body === undefined || isForm ? body : JSON.stringify(body),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, { code: "unreachable", detail: "The server cannot be reached. Nothing was changed. Try again when it is back." });
  }
  const text = await answer.text();
  const data = /json/.test(answer.headers.get("Content-Type") || "") && text ? JSON.parse(text) : {};
  if (!answer.ok) throw new Problem(answer.status, data);
  return data;
}

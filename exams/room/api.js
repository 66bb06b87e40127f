// Talking to the exam service.

/** The service answered that something is wrong; `message` says what and what to do, `path` in which field of a form. */
export class Refusal extends Error {
  constructor(status, code, message, path = []) {
    super(message);
    this.status = status;
    this.code = code;
    this.path = path;
  }
}

/** The service could not be reached, has a fault or is starting again: worth trying once more. */
export class Unreachable extends Error {}

const TIMEOUT_MS = 8000;
const xsrf = document.querySelector('meta[name="xsrf"]')?.content ?? "";

/** A response of the service within `timeout`; `body` makes it a POST. Throws Refusal or Unreachable. */
async function ask(url, body, timeout = TIMEOUT_MS) {
  const post = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(url, {
      ...post,
      headers: { "Content-Type": "application/json", "X-XSRFToken": xsrf },
      signal: AbortSignal.timeout(timeout),
    });
  } catch (error) {
    throw new Unreachable(error.message);
  }
  if (response.ok) return response;
  const answer = await response.json().catch(() => null);
  if (response.status >= 500) throw new Unreachable(answer?.message ?? `HTTP ${response.status}`);
  throw new Refusal(response.status, answer?.error ?? "", answer?.message ?? `HTTP ${response.status}`, answer?.path);
}

/** The API below `base`; `clock` learns the server's time from every reply. */
export function connect(base, clock) {
  const json = async (path, body, timeout) => {
    const sent = clock.ticks();
    const response = await ask(base + path, body, timeout);
    const answer = await response.json();
    clock.observe(sent, clock.ticks(), answer.now);
    return answer;
  };
  return {
    get: (path) => json(path),
    post: (path, body, timeout) => json(path, body, timeout),
    bytes: async (path) => (await ask(base + path)).arrayBuffer(),
  };
}

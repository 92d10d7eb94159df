// Sends a recording until the server has its result: while network or worker are away it waits, and tries again.
import { problemDetail, root } from "./dom.js";

const MAX_WAIT_S = 30;
const RESULT_EVERY_MS = 1000;
const CALL_WITHIN_MS = 300_000;
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const networkIsBack = () => new Promise((done) => addEventListener("online", done, { once: true }));

// An answer that would come again: sending once more as it is does not help.
export class Refusal extends Error {
  constructor(detail, status) {
    super(detail);
    this.status = status;
  }
}

// `tell` gets "stored", or what it waits for: the words of the server, null where there is no network.
export async function sendRecording({ file, name, query, key }, tell) {
  const body = new FormData();
  body.append("file", file, name);
  const headers = { "Idempotency-Key": key };
  let isStored = false;
  const waiting = (detail, seconds) => tell({ isStored, detail, seconds });
  let state = await persist(`/api/v1/recordings?${new URLSearchParams({ ...query, wait: 0 })}`, { method: "POST", body, headers }, waiting);
  isStored = true;
  tell({ isStored });
  while (!state.result) {
    if (state.state === "refused") throw new Refusal(state.detail ?? "", 422);
    await pause(RESULT_EVERY_MS);
    state = await persist(state.links.self, {}, waiting);
    tell({ isStored });
  }
  return state.result;
}

async function persist(address, options, waiting) {
  for (let wait_s = 1; ; wait_s = Math.min(2 * wait_s, MAX_WAIT_S)) {
    const [status, text, retryAfter] = await call(address, options);
    if (status >= 200 && status < 300) return JSON.parse(text);
    if (status && status < 500 && status !== 408 && status !== 429) throw new Refusal(problemDetail(text, status), status);
    const seconds = Math.min(Number(retryAfter) || wait_s, MAX_WAIT_S);
    waiting(status ? problemDetail(text, status) : null, seconds);
    await Promise.race([pause(1000 * seconds), networkIsBack()]);
  }
}

// Returns status, text and Retry-After of the answer; no status where none came.
async function call(address, options) {
  try {
    const headers = { Accept: "application/json", ...options.headers };
    const response = await fetch(root + address, { ...options, headers, signal: AbortSignal.timeout(CALL_WITHIN_MS) });
    return [response.status, await response.text(), response.headers.get("Retry-After")];
  } catch {
    return [];
  }
}

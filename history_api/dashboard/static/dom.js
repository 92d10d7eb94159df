// DOM elements, API requests and text formats that all pages share. Data becomes text nodes, never markup.

// The prefix of all addresses, where a proxy has put one.
export const root = document.documentElement.dataset.root ?? "";

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}

// Returns the response. Throws an Error with the detail of a problem document; without a session it opens the login.
export async function request(address, options = {}) {
  const response = await fetch(root + address, { headers: { Accept: "application/json" }, ...options }).catch(() => {
    throw new Error("the server cannot be reached; is it running?");
  });
  if (response.status === 401) return openLogin();
  if (!response.ok) throw new Error(problemDetail(await response.text(), response.status));
  return response;
}

export function problemDetail(text, status) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return `the server answered ${status}`;
  }
}

export function openLogin() {
  location.assign(`${root}/login`);
  return new Promise(() => {});
}

export const STATES = { online: "● online", recording: "◉ recording", offline: "○ offline", lost: "⚠ connection lost" };

export const percent = (share) => `${Math.round(100 * share)} %`;

export const utc = (time) => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;

// A time in UTC; time.js makes it local.
export const when = (time) => element("time", { datetime: time, title: utc(time) }, utc(time));

// Shows the answer to a button beside it: a refusal looks like one, success does not.
export function answer(id, text, isRefusal = false) {
  const place = document.getElementById(id);
  place.textContent = isRefusal ? `⚠ ${text}` : text;
  place.classList.toggle("refusal", isRefusal);
}

export function recordingAddress(recording) {
  return `${root}/ui/recordings/${encodeURIComponent(recording.recording_id)}?device=${encodeURIComponent(recording.device_id)}`;
}

// Elements and requests. What comes from outside becomes text, never markup.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

// What the API answers; an Error with its words where it refuses; to the login where it does not know us.
export async function ask(address, options = {}) {
  const answer = await fetch(address, { headers: { Accept: "application/json" }, ...options }).catch(() => {
    throw new Error("the server cannot be reached; is it running?");
  });
  if (answer.status === 401) return toLogin();
  if (!answer.ok) throw new Error(problem(await answer.text(), answer.status));
  return answer;
}

export function problem(text, status) {
  try {
    return JSON.parse(text).detail;
  } catch {
    return `the server answered ${status}`;
  }
}

export function toLogin() {
  location.assign("/login");
  return new Promise(() => {});
}

export const percent = (share) => `${Math.round(100 * share)} %`;

export const when = (time) => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;

export function page(recording) {
  return `/ui/recordings/${encodeURIComponent(recording.recording_id)}?device=${encodeURIComponent(recording.device_id)}`;
}

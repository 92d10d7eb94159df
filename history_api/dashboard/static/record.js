// Page that records: microphone, level and countdown; each recording is sent, and kept here until it is analysed.
import { answer, element, recordingAddress, root } from "./dom.js";
import { isSupported, Microphone, microphones, wavFile } from "./microphone.js";
import "./player.js";
import { resultCard } from "./result.js";
import { sendRecording } from "./sending.js";

const LEAD_S = 3;
const SHORTEST_S = 1;
const SILENT = 4; // steps of 16 bits: no microphone that is open is so quiet
const FLOOR_DB = -60;
const REMEMBERED = "stetho.device";
const byId = (id) => document.getElementById(id);
const form = byId("record");
const say = JSON.parse(form.dataset.words);
const fill = (text, ...values) => values.reduce((filled, value) => filled.replace("{}", value), text);
const unsent = new Set();
let microphone = null;

function memory(device) {
  try {
    if (device) localStorage.setItem(REMEMBERED, device);
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null; // the browser keeps nothing for pages
  }
}

function show({ lead_s, left_s, level }) {
  byId("level").value = Math.max(FLOOR_DB, 20 * Math.log10(level || 1e-9));
  const isLead = lead_s > 0;
  byId("countdown").textContent = Math.max(0, Math.ceil(isLead ? lead_s : left_s));
  const words = isLead ? fill(say.lead, LEAD_S) : fill(say.recording, form.elements.seconds.value);
  if (byId("message").textContent !== words) answer("message", words); // told once, not every second
}

function showRunning(isRunning) {
  for (const id of ["stop", "countdown", "meter"]) byId(id).hidden = !isRunning;
  byId("start").hidden = isRunning;
  byId("countdown").textContent = "";
  (isRunning ? byId("stop") : byId("start")).focus();
}

async function offerMicrophones() {
  const found = await microphones();
  const { options, value } = form.elements.microphone;
  byId("microphones").hidden = found.length < 2;
  form.elements.microphone.replaceChildren(options[0], ...found.map((each) => element("option", { value: each.deviceId }, each.label)));
  if (found.some((each) => each.deviceId === value)) form.elements.microphone.value = value;
}

function refusal(error) {
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return say.refused;
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return say.missing;
  return say.busy;
}

async function record() {
  memory(form.elements.device.value);
  byId("start").disabled = true;
  answer("message", say.asking);
  let wakeLock = null;
  try {
    microphone = await Microphone.open(form.elements.microphone.value);
    wakeLock = await navigator.wakeLock?.request("screen").catch(() => null); // a dark screen ends the recording
    await offerMicrophones();
    const query = chosen();
    showRunning(true);
    const sound = await microphone.record(LEAD_S, Number(form.elements.seconds.value), show);
    take(sound, query, microphone.processing());
  } catch (error) {
    answer("message", refusal(error), true);
  } finally {
    wakeLock?.release();
    microphone?.close();
    microphone = null;
    byId("start").disabled = false;
    showRunning(false);
  }
}

function chosen() {
  const query = {};
  for (const name of ["model", "device", "subject", "exam"]) if (form.elements[name].value) query[name] = form.elements[name].value;
  if (form.elements.site.value && !byId("chest").hidden) query.site = form.elements.site.value;
  return query;
}

function take({ samples, rate, peak, began, isInterrupted }, query, processing) {
  const length_s = samples.length / rate;
  if (!samples.length) return answer("message", isInterrupted ? say.busy : say.nothing, isInterrupted);
  answer("message", isInterrupted ? say.interrupted : processing.length ? fill(say.processed, processing.join(", ")) : "", isInterrupted);
  const name = `recording-${began.toISOString().slice(0, 19).replaceAll(":", "-")}Z.wav`;
  const kept = keep({ file: wavFile(samples, rate), name, key: crypto.randomUUID(), query: { ...query, captured_at: began.toISOString() } });
  if (length_s < SHORTEST_S) kept.tell(fill(say.short, length_s.toFixed(1), SHORTEST_S), true);
  else if (peak < SILENT) kept.tell(say.silent, true);
  else send(kept);
}

// Puts a recording into the list, with a link to its file: whatever happens to it, it can be saved.
function keep(recording) {
  const state = element("p", { role: "status" });
  const bar = element("progress", { "aria-label": say.sending, hidden: "" });
  const file = element("a", { class: "button", href: URL.createObjectURL(recording.file), download: recording.name }, say.download);
  const actions = element("p", { class: "row" }, file);
  const item = element("li", { class: "panel" }, element("h2", {}, recording.name), bar, state, actions);
  byId("recordings").prepend(item);
  unsent.add(recording);
  const tell = (text, isRefusal = false) => {
    state.textContent = isRefusal ? `⚠ ${text}` : text;
    state.classList.toggle("refusal", isRefusal);
  };
  return { recording, item, bar, file, actions, tell };
}

async function send(kept) {
  const { recording, item, bar, file, actions, tell } = kept;
  bar.hidden = false;
  actions.replaceChildren(file);
  tell(say.sending);
  try {
    const result = await sendRecording(recording, ({ isStored, detail, seconds }) => {
      if (isStored) unsent.delete(recording);
      if (seconds) tell(fill(isStored ? say.waiting_result : say.waiting, detail ?? say.offline, seconds));
      else tell(say.analysing);
    });
    tell(say.done);
    URL.revokeObjectURL(file.href);
    actions.replaceChildren(element("a", { class: "button", href: recordingAddress(result) }, say.open));
    item.append(resultCard(result));
  } catch (error) {
    refuse(kept, error);
  } finally {
    bar.hidden = true;
  }
}

function refuse(kept, { status, message }) {
  const { recording, actions, tell } = kept;
  const words = { 401: say.signed_out, 413: say.too_long };
  tell(words[status] ?? fill(say.not_taken, message), true);
  if (status === 413) return;
  const isChanged = status === 400 || status === 403; // what was chosen is at fault: it can be mended above
  const again = element("button", { type: "button" }, isChanged ? say.again_changed : say.again);
  again.addEventListener("click", () => {
    if (isChanged) recording.query = { ...chosen(), captured_at: recording.query.captured_at };
    send(kept);
  });
  actions.prepend(again);
  if (status === 401) actions.append(element("a", { href: `${root}/login`, target: "_blank", rel: "noopener" }, say.sign_in));
}

function showPosition() {
  byId("chest").hidden = form.elements.model.selectedOptions[0]?.dataset.kind !== "heart";
}

function start() {
  form.elements.device.value ||= memory() ?? `phone-${Math.random().toString(36).slice(2, 6)}`;
  form.elements.model.addEventListener("change", showPosition);
  showPosition();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    record();
  });
  byId("stop").addEventListener("click", () => microphone?.stop?.());
  addEventListener("beforeunload", (event) => {
    if (unsent.size) event.preventDefault();
  });
  const obstacle = !isSecureContext ? say.insecure : isSupported() ? null : say.unsupported;
  if (obstacle) answer("message", obstacle, true);
  byId("start").disabled = Boolean(obstacle);
}

start();

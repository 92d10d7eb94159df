// Overview page: devices, live sound and results, as they arrive in the event stream.
import { STATES, element, openLogin, percent, request, root } from "./dom.js";
import { labelName, symbol } from "./labels.js";
import "./player.js";
import { resultCard, resultSentence } from "./result.js";
import { Trace } from "./trace.js";

const MAX_RESULTS = 12;
const byId = (id) => document.getElementById(id);
const deviceFilter = new URLSearchParams(location.search).get("device");
const trace = new Trace(byId("trace"));
const devices = new Map();
const deviceSelect = byId("device");
let source = null;

function onDevice(update) {
  devices.set(update.device_id, { ...devices.get(update.device_id), ...update });
  const rows = [...devices.values()].sort((a, b) => a.device_id.localeCompare(b.device_id)).map((device) => {
    const state = STATES[device.state] ?? device.state ?? "unknown";
    return element("li", {}, element("strong", {}, device.device_id), ` ${state}`, telemetry(device));
  });
  byId("devices").replaceChildren(...rows);
  addOption(update.device_id);
  if (!isSelected(update.device_id)) return;
  if (update.state === "recording") {
    source = update.device_id;
    byId("source").textContent = `${source} is recording`;
  } else if (source === update.device_id && !trace.recording) beNothing();
}

function telemetry(device) {
  const rssi = device.telemetry?.rssi;
  return typeof rssi !== "number" ? null : element("small", {}, ` · Wi-Fi ${rssi} dBm`);
}

function addOption(device) {
  if ([...deviceSelect.options].some((option) => option.value === device)) return;
  deviceSelect.append(element("option", { value: device }, device));
}

const isSelected = (device) => deviceSelect.value === "" || deviceSelect.value === device;

function onSound(sound) {
  if (!isSelected(sound.device_id)) return;
  if (trace.recording !== sound.recording_id) showRate(sound.device_id, null);
  trace.add(sound);
  byId("source").textContent = `${sound.device_id}, ${sound.is_last ? "recorded" : "recording"}`;
  byId("trace").setAttribute("aria-label", `Phonocardiogram of ${sound.device_id}`);
}

function showRate(device, bpm) {
  if (isSelected(device)) byId("rate").textContent = bpm === null || bpm === undefined ? "–" : Math.round(bpm);
}

function onLive(live) {
  if (!isSelected(live.device_id)) return;
  showRate(live.device_id, live.bpm);
  setText("hint", live.hint ?? "");
  setText("label", live.label ? liveAnswer(live) : "");
  byId("quality").value = live.quality ?? 0;
  byId("now").hidden = false;
}

function liveAnswer(live) {
  return `${symbol(live.severity ?? "unknown")} ${labelName(live.model, live.label)}, ${percent(live.confidence ?? 0)}`;
}

function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function onResult(result) {
  showResult(result);
  if (trace.recording === result.recording_id) {
    showRate(result.device_id, result.heart_rate_bpm); // of the sound that is drawn, and of no other
    byId("now").hidden = true;
  }
  byId("message").textContent = resultSentence(result);
}

// A result may come twice, in the list and live: its card is one. Those of the list are older than all that came live.
function showResult(result, isOlder = false) {
  const key = `${result.device_id}/${result.recording_id}`;
  const known = [...byId("sounds").children].find((card) => card.dataset.key === key);
  if (known && isOlder) return;
  known?.remove();
  byId("none").hidden = true;
  const card = resultCard(result);
  card.dataset.key = key;
  byId("sounds")[isOlder ? "append" : "prepend"](card);
  while (byId("sounds").children.length > MAX_RESULTS) byId("sounds").lastElementChild.remove();
}

function openStream(last) {
  const address = new URL(`${root}/api/v1/stream`, location.href);
  if (deviceFilter) address.searchParams.set("device", deviceFilter);
  if (last) address.searchParams.set("last", last);
  const stream = new EventSource(address);
  const on = (kind, handle) => stream.addEventListener(kind, (event) => handle(JSON.parse(event.data)));
  on("device", onDevice);
  on("sound", onSound);
  on("live", onLive);
  on("result", onResult);
  on("heartbeat", (beat) => showConnection(beat.connected ? "● live" : "⚠ broker not connected: results only"));
  stream.addEventListener("open", () => showConnection("● live"));
  stream.addEventListener("error", () => onError(stream));
}

async function onError(stream) {
  showConnection("⚠ not connected, trying again");
  if (stream.readyState !== EventSource.CLOSED) return;
  const response = await fetch(`${root}/api/v1/me`).catch(() => null);
  if (response?.status === 401) openLogin();
  else setTimeout(openStream, 5000); // refused for now: too many streams, or the server is starting
}

function showConnection(text) {
  setText("connection", text);
}

async function start() {
  openStream();
  const query = new URLSearchParams({ limit: MAX_RESULTS, ...(deviceFilter && { device: deviceFilter }) });
  const { items } = await (await request(`/api/v1/results?${query}`)).json();
  items.forEach((result) => showResult(result, true));
}

function beNothing() {
  source = null;
  trace.begin(null);
  byId("now").hidden = true;
  byId("rate").textContent = "–";
  byId("source").textContent = "no recording in progress";
}

deviceSelect.addEventListener("change", beNothing);
start().catch((error) => showConnection(`⚠ ${error.message}`));

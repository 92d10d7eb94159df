// The overview: devices, sound and results as the server sends them.
import { ask, make, percent, toLogin } from "./dom.js";
import { card, sentence } from "./result.js";
import { Trace } from "./trace.js";

const SHOWN = 12;
const STATES = { online: "● online", recording: "◉ recording", offline: "○ offline", lost: "⚠ connection lost" };
const at = (id) => document.getElementById(id);
const only = new URLSearchParams(location.search).get("device");
const trace = new Trace(at("trace"));
const devices = new Map();
const choice = at("device");

function onDevice(said) {
  devices.set(said.device_id, { ...devices.get(said.device_id), ...said });
  const rows = [...devices.values()].sort((a, b) => a.device_id.localeCompare(b.device_id)).map((device) => {
    const state = STATES[device.state] ?? device.state ?? "unknown";
    return make("li", {}, make("strong", {}, device.device_id), ` ${state}`, telemetry(device));
  });
  at("devices").replaceChildren(...rows);
  offer(said.device_id);
  if (said.state === "recording" && chosen(said.device_id)) at("source").textContent = `${said.device_id} is recording`;
}

function telemetry(device) {
  const rssi = device.telemetry?.rssi;
  return rssi === undefined ? null : make("small", {}, ` · Wi-Fi ${rssi} dBm`);
}

function offer(device) {
  if ([...choice.options].some((option) => option.value === device)) return;
  choice.append(make("option", { value: device }, device));
}

const chosen = (device) => choice.value === "" || choice.value === device;

function onSound(sound) {
  if (!chosen(sound.device_id)) return;
  trace.add(sound);
  at("source").textContent = `${sound.device_id}, ${sound.is_last ? "recorded" : "recording"}`;
  at("trace").setAttribute("aria-label", `Phonocardiogram of ${sound.device_id}`);
}

function showRate(device, bpm) {
  if (chosen(device)) at("rate").textContent = bpm === null || bpm === undefined ? "–" : Math.round(bpm);
}

function onLive(live) {
  if (!chosen(live.device_id)) return;
  showRate(live.device_id, live.bpm);
  say("hint", live.hint ?? "");
  say("label", live.label ? `${live.label.replaceAll("_", " ")}, ${percent(live.confidence ?? 0)}` : "");
  at("quality").value = live.quality ?? 0;
  at("now").hidden = false;
}

function say(place, text) {
  if (at(place).textContent !== text) at(place).textContent = text;
}

function onResult(result) {
  showResult(result);
  showRate(result.device_id, result.heart_rate_bpm);
  if (chosen(result.device_id) && trace.recording === result.recording_id) at("now").hidden = true;
  at("said").textContent = sentence(result);
}

function showResult(result) {
  at("none").hidden = true;
  at("sounds").prepend(card(result));
  while (at("sounds").children.length > SHOWN) at("sounds").lastElementChild.remove();
}

function follow(last) {
  const address = new URL("/api/v1/stream", location.href);
  if (only) address.searchParams.set("device", only);
  if (last) address.searchParams.set("last", last);
  const stream = new EventSource(address);
  const on = (kind, take) => stream.addEventListener(kind, (event) => take(JSON.parse(event.data)));
  on("device", onDevice);
  on("sound", onSound);
  on("live", onLive);
  on("result", onResult);
  on("heartbeat", (beat) => connection(beat.connected ? "● live" : "⚠ broker not reached: results only"));
  stream.addEventListener("open", () => connection("● live"));
  stream.addEventListener("error", () => onError(stream));
}

async function onError(stream) {
  connection("⚠ not connected, trying again");
  if (stream.readyState !== EventSource.CLOSED) return;
  const answer = await fetch("/api/v1/me").catch(() => null);
  if (answer?.status === 401) toLogin();
  else setTimeout(follow, 5000); // refused for now: too many streams, or a server that starts
}

function connection(text) {
  say("connection", text);
}

async function begin() {
  follow();
  const query = new URLSearchParams({ limit: SHOWN, ...(only && { device: only }) });
  const { items } = await (await ask(`/api/v1/results?${query}`)).json();
  if (at("sounds").children.length === 0) items.reverse().forEach(showResult);
  if (items.length && at("rate").textContent === "–") showRate(items.at(-1).device_id, items.at(-1).heart_rate_bpm);
}

choice.addEventListener("change", () => {
  trace.begin(null);
  at("now").hidden = true;
  at("rate").textContent = "–";
  at("source").textContent = "nothing is being recorded";
});
begin().catch((error) => connection(`⚠ ${error.message}`));

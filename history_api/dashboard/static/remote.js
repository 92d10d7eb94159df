// Device page: buttons that command the device; the answer of each stands beside it.
import { STATES, answer, request, root } from "./dom.js";

const panel = document.getElementById("remote");
const buttons = [...panel.querySelectorAll(".command > button")];
const dialog = document.getElementById("restart");
const seconds = document.getElementById("seconds");
const address = `/api/v1/devices/${encodeURIComponent(panel.dataset.device)}/commands`;
let state = null;
let isConnected = true;

function showState() {
  const fault = !isConnected ? panel.dataset.noBroker : ["online", "recording"].includes(state) ? "" : panel.dataset.offline;
  document.getElementById("fault").textContent = fault;
  for (const button of buttons) button.disabled = fault !== "";
  if (STATES[state]) document.getElementById("state").textContent = STATES[state];
}

async function command(name) {
  const place = `answer-${name}`;
  const body = { command: name, ...(name === "record" && seconds.value && { seconds: Number(seconds.value) }) };
  answer(place, panel.dataset.waiting);
  try {
    const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
    const said = await (await request(address, options)).json();
    const isDone = said.answer === "done";
    answer(place, isDone ? `✓ ${said.text}` : said.text, !isDone);
  } catch (error) {
    answer(place, error.message, true);
  }
}

for (const button of buttons) {
  button.addEventListener("click", () => {
    if (button.name === "restart") dialog.showModal();
    else if (button.name !== "record" || seconds.reportValidity()) command(button.name);
  });
}

dialog.addEventListener("close", () => {
  if (dialog.returnValue === "restart") command("restart");
  dialog.returnValue = "";
});

function follow() {
  const stream = new EventSource(`${root}/api/v1/stream?device=${encodeURIComponent(panel.dataset.device)}`);
  stream.addEventListener("device", (event) => {
    state = JSON.parse(event.data).state ?? state;
    showState();
  });
  stream.addEventListener("heartbeat", (event) => {
    isConnected = JSON.parse(event.data).connected;
    showState();
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, 5000); // refused for now
  });
}

follow();

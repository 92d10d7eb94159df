// Labelled sounds in, a job out, and how far it is.
import { ask, make, when } from "./dom.js";

const EVERY_MS = 2000;
const at = (id) => document.getElementById(id);

async function say(place, request) {
  at(place).textContent = "sending";
  try {
    at(place).textContent = (await (await request()).json()).message;
  } catch (error) {
    at(place).textContent = `Refused: ${error.message}`;
  }
}

at("clips").addEventListener("submit", (event) => {
  event.preventDefault();
  const { label, source, files } = event.target.elements;
  const chosen = label.selectedOptions[0];
  const query = new URLSearchParams({ model: chosen.dataset.model, target_class: chosen.value });
  if (source.value) query.set("source", source.value);
  const body = new FormData();
  for (const file of files.files) body.append("files", file);
  say("clips-said", () => ask(`/upload-training-data?${query}`, { method: "POST", body }));
});

at("retrain").addEventListener("submit", (event) => {
  event.preventDefault();
  const query = new URLSearchParams({ model: event.target.elements.model.value });
  say("retrain-said", () => ask(`/retrain?${query}`, { method: "POST" }));
});

async function look() {
  try {
    show(await (await ask("/training-status")).json());
  } catch (error) {
    at("state").textContent = `Unknown: ${error.message}`;
  }
  setTimeout(look, EVERY_MS);
}

function show(status) {
  at("progress").value = status.progress;
  const said = `${status.status}, ${status.progress} %${status.message ? `: ${status.message}` : ""}`;
  if (at("state").textContent !== said) at("state").textContent = said; // a screen reader reads every change
  at("jobs").replaceChildren(...status.jobs.map(row));
}

function row(job) {
  const cells = [job.id, job.model, job.state, when(job.asked_at), job.report?.why ?? ""];
  return make("tr", {}, ...cells.map((cell) => make("td", {}, String(cell))));
}

look();

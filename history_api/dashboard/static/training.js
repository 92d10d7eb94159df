// Training page: uploads labelled sounds, requests retraining, and shows the progress of the trainer.
import { answer, element, request, when } from "./dom.js";
import { modelName } from "./labels.js";

const EVERY_MS = 2000;
const byId = (id) => document.getElementById(id);

async function report(id, send) {
  answer(id, "sending");
  try {
    answer(id, `✓ ${(await (await send()).json()).message}`);
  } catch (error) {
    answer(id, `Refused: ${error.message}`, true);
  }
}

byId("clips").addEventListener("submit", (event) => {
  event.preventDefault();
  const { label, source, files } = event.target.elements;
  const chosen = label.selectedOptions[0];
  const query = new URLSearchParams({ model: chosen.dataset.model, target_class: chosen.value });
  if (source.value) query.set("source", source.value);
  const body = new FormData();
  for (const file of files.files) body.append("files", file);
  report("clips-message", () => request(`/upload-training-data?${query}`, { method: "POST", body }));
});

byId("retrain").addEventListener("submit", (event) => {
  event.preventDefault();
  const query = new URLSearchParams({ model: event.target.elements.model.value });
  report("retrain-message", () => request(`/retrain?${query}`, { method: "POST" }));
});

byId("corrections").addEventListener("submit", (event) => {
  event.preventDefault();
  const { model, confirmed } = event.target.elements;
  const query = new URLSearchParams({ model: model.value, confirmed: confirmed.checked });
  report("corrections-message", () => request(`/api/v1/training/corrections?${query}`, { method: "POST" }));
});

async function poll() {
  try {
    show(await (await request("/training-status")).json());
  } catch (error) {
    byId("state").textContent = `Unknown: ${error.message}`;
  }
  setTimeout(poll, EVERY_MS);
}

function show(status) {
  byId("progress").value = status.progress;
  const text = `${status.status}, ${status.progress} %${status.message ? `: ${status.message}` : ""}`;
  if (byId("state").textContent !== text) byId("state").textContent = text; // a screen reader reads every change
  byId("jobs").replaceChildren(...status.jobs.map(row));
}

function row(job) {
  const cells = { Job: job.id, Model: modelName(job.model), State: job.state, Requested: when(job.asked_at), Reason: job.report?.why ?? "" };
  return element("tr", {}, ...Object.entries(cells).map(([name, cell]) => element("td", { "data-label": name }, cell)));
}

poll();

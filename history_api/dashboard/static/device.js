// Device page: saves or resets the settings of one device; workers apply them within a second or two.
import { answer, request } from "./dom.js";

const form = document.getElementById("settings");
const { first, gate, threshold } = form.elements;

function chosenSettings() {
  const others = [...form.querySelectorAll("[name=models]:checked")].map((box) => box.value);
  const models = first.value ? [...new Set([first.value, ...others])] : null;
  return { models, gate: { on: gate.checked, threshold: threshold.value ? Number(threshold.value) : null } };
}

async function change(message, options) {
  try {
    await request(form.dataset.address, options);
    answer("message", `✓ ${message}`);
    return true;
  } catch (error) {
    answer("message", `Not saved: ${error.message}`, true);
    return false;
  }
}

first.addEventListener("change", () => (document.getElementById("others").hidden = !first.value));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" };
  change("Saved.", { method: "PUT", headers, body: JSON.stringify(chosenSettings()) });
});

document.getElementById("reset").addEventListener("click", async () => {
  if (!(await change("Reset to the site defaults.", { method: "DELETE" }))) return;
  first.value = threshold.value = "";
  for (const box of form.querySelectorAll("[type=checkbox]")) box.checked = false;
  document.getElementById("others").hidden = true;
});

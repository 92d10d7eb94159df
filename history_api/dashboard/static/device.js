// What a site wants of one device; workers follow within a second or two.
import { ask } from "./dom.js";

const form = document.getElementById("settings");
const { first, gate, threshold } = form.elements;
const say = (text) => (document.getElementById("said").textContent = text);

function chosen() {
  const others = [...form.querySelectorAll("[name=models]:checked")].map((box) => box.value);
  const models = first.value ? [...new Set([first.value, ...others])] : null;
  return { models, gate: { on: gate.checked, threshold: threshold.value ? Number(threshold.value) : null } };
}

async function change(said, options) {
  try {
    await ask(form.dataset.address, options);
    say(said);
    return true;
  } catch (error) {
    say(`Not saved: ${error.message}`);
    return false;
  }
}

first.addEventListener("change", () => (document.getElementById("others").hidden = !first.value));

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const headers = { "Content-Type": "application/json" };
  change("Saved.", { method: "PUT", headers, body: JSON.stringify(chosen()) });
});

document.getElementById("reset").addEventListener("click", async () => {
  if (!(await change("All as the site.", { method: "DELETE" }))) return;
  first.value = threshold.value = "";
  for (const box of form.querySelectorAll("[type=checkbox]")) box.checked = false;
  document.getElementById("others").hidden = true;
});

// One recording: what a person says of its result, and its end.
import { ask, make } from "./dom.js";
import "./picture.js";

const form = document.getElementById("review");
const dialog = document.getElementById("confirm");
const { address, query } = document.getElementById("recording").dataset;
const message = (text) => (document.getElementById("message").textContent = text);

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ verdict: event.submitter.value, note: form.elements.note.value });
  try {
    // What the page showed: nobody overwrites what he has not seen.
    const headers = { "Content-Type": "application/json", "If-Match": `"${form.dataset.version}"` };
    const saved = await ask(`${address}/review${query}`, { method: "PUT", headers, body });
    form.dataset.version = (await saved.json()).version;
    message(`Saved: ${event.submitter.value}.`);
  } catch (error) {
    message(`Not saved: ${error.message}`);
  }
});

document.getElementById("delete")?.addEventListener("click", () => dialog.showModal());
dialog.addEventListener("close", async () => {
  if (dialog.returnValue !== "delete") return;
  try {
    await ask(`${address}${query}`, { method: "DELETE" });
    document.querySelector("main").replaceChildren(
      make("h1", {}, "Deleted"),
      make("p", {}, make("a", { href: "/ui/history" }, "Back to the history")),
    );
  } catch (error) {
    message(`Not deleted: ${error.message}`);
  }
});

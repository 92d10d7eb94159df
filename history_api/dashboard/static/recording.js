// Recording page: saves a review of the result, and deletes the recording.
import { answer, element, request, root } from "./dom.js";
import "./picture.js";

const form = document.getElementById("review");
const dialog = document.getElementById("confirm");
const { address, query } = document.getElementById("recording").dataset;

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { note, finding, label } = form.elements;
  const verdict = event.submitter.value;
  const review = { verdict, note: note.value, finding: finding.value || null };
  if (verdict === "corrected") {
    if (!label.value) return answer("message", "Choose the right label first.", true);
    Object.assign(review, { label: label.value, model: label.selectedOptions[0].dataset.model });
  }
  const body = JSON.stringify(review);
  try {
    // The version that the page showed: a review that was changed meanwhile is not overwritten.
    const headers = { "Content-Type": "application/json", "If-Match": `"${form.dataset.version}"` };
    const saved = await request(`${address}/review${query}`, { method: "PUT", headers, body });
    form.dataset.version = (await saved.json()).version;
    answer("message", `✓ Saved: ${verdict}${review.label ? ` to ${label.selectedOptions[0].text}` : ""}.`);
  } catch (error) {
    answer("message", `Not saved: ${error.message}`, true);
  }
});

document.getElementById("delete")?.addEventListener("click", () => dialog.showModal());
dialog.addEventListener("close", async () => {
  if (dialog.returnValue !== "delete") return;
  try {
    await request(`${address}${query}`, { method: "DELETE" });
    document.querySelector("main").replaceChildren(
      element("h1", {}, "Deleted"),
      element("p", {}, element("a", { href: `${root}/ui/history` }, "Back to the history")),
    );
  } catch (error) {
    answer("delete-message", `Not deleted: ${error.message}`, true);
  }
});

import("./wave.js").then(({ showWave }) => showWave(address, query)); // later: the buttons work at once

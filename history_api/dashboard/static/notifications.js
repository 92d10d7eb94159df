// Page of the notifications: sends a test of a rule, and shows which receivers took it.
import { answer, request } from "./dom.js";

const { taken, testing } = document.getElementById("rules")?.dataset ?? {};

for (const button of document.querySelectorAll("button[data-rule]")) {
  button.addEventListener("click", async () => {
    const place = button.dataset.answer;
    button.disabled = true;
    answer(place, testing);
    try {
      const response = await request("/api/v1/notifications/tests", {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/json" },
        body: JSON.stringify({ rule: button.dataset.rule }),
      });
      const { receivers } = await response.json();
      const said = receivers.map((each) => `${each.name}: ${each.error ?? taken}`).join("; ");
      answer(place, said, receivers.some((each) => !each.taken));
    } catch (error) {
      answer(place, error.message, true);
    }
    button.disabled = false;
  });
}

// Forms of whose sound something is: the next recordings of a stethoscope, or one recording.
import { answer, request } from "./dom.js";

const form = document.querySelector("form.subject");

async function change(options) {
  try {
    await request(form.dataset.address, options);
    location.reload(); // the page says what is set now
  } catch (error) {
    answer("subject-message", `${form.dataset.notSaved}: ${error.message}`, true);
  }
}

form?.addEventListener("submit", (event) => {
  event.preventDefault();
  const { subject, minutes } = form.elements;
  const body = { subject: subject.value.trim() || null };
  if (minutes) body.minutes = Number(minutes.value);
  change({ method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
});

document.getElementById("end-subject")?.addEventListener("click", () => change({ method: "DELETE" }));

// Page of a subject: deletes everything of it, after a question.
import { answer, element, request, root } from "./dom.js";

const dialog = document.getElementById("confirm");
const { address, back, clips, deleted, notDeleted, recordings } = document.getElementById("subject").dataset;

document.getElementById("delete")?.addEventListener("click", () => dialog.showModal());
dialog?.addEventListener("close", async () => {
  if (dialog.returnValue !== "delete") return;
  try {
    const counts = await (await request(address, { method: "DELETE" })).json();
    document.querySelector("main").replaceChildren(
      element("h1", {}, deleted),
      element("p", {}, `${recordings}: ${counts.recordings}. ${clips}: ${counts.clips}.`),
      element("p", {}, element("a", { href: `${root}/ui/history` }, back)),
    );
  } catch (error) {
    answer("delete-message", `${notDeleted}: ${error.message}`, true);
  }
});

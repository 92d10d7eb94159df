// The page again every few seconds: whoever watches a fault sees it go.
import { ask } from "./dom.js";

const EVERY_MS = 5000;
const at = (id) => document.getElementById(id);

async function look() {
  try {
    const text = await (await ask("/ui/system", { headers: { Accept: "text/html" } })).text();
    const parts = new DOMParser().parseFromString(text, "text/html").getElementById("parts");
    if (parts) at("parts").replaceWith(document.adoptNode(parts));
    at("fresh").textContent = "";
  } catch (error) {
    at("fresh").textContent = `Not up to date: ${error.message}`;
  }
  setTimeout(look, EVERY_MS);
}

setTimeout(look, EVERY_MS);

// System page: replaces its content every few seconds without a reload.
import { request } from "./dom.js";

const EVERY_MS = 5000;
const byId = (id) => document.getElementById(id);

async function refresh() {
  try {
    const text = await (await request("/ui/system", { headers: { Accept: "text/html" } })).text();
    const parts = new DOMParser().parseFromString(text, "text/html").getElementById("parts");
    if (parts) byId("parts").replaceWith(document.adoptNode(parts));
    byId("fresh").textContent = "";
  } catch (error) {
    byId("fresh").textContent = `Not up to date: ${error.message}`;
  }
  setTimeout(refresh, EVERY_MS);
}

setTimeout(refresh, EVERY_MS);

// Upload page: sends files one after the other, each with its progress and its result.
import { element, openLogin, problemDetail, request, root } from "./dom.js";
import "./player.js";
import { resultCard } from "./result.js";

const form = document.getElementById("upload");
const drop = document.getElementById("drop");
const list = document.getElementById("files");
const summary = document.getElementById("summary");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function address() {
  const query = new URLSearchParams();
  const models = [...form.querySelectorAll("[name=model]:checked")].map((box) => box.value);
  if (models.length) query.set("model", models.join(","));
  for (const name of ["device", "site", "subject", "exam"]) if (form.elements[name]?.value) query.set(name, form.elements[name].value);
  return `/api/v1/recordings?${query}`;
}

function post(file, onProgress, onSent) {
  return new Promise((resolve, reject) => {
    const call = new XMLHttpRequest(); // fetch reports no upload progress
    call.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
    call.upload.addEventListener("load", onSent);
    call.addEventListener("error", () => reject(new Error("the server cannot be reached")));
    call.addEventListener("load", () => {
      if (call.status === 401) openLogin();
      else if (call.status < 300) resolve(JSON.parse(call.responseText));
      else reject(new Error(problemDetail(call.responseText, call.status)));
    });
    const body = new FormData();
    body.append("file", file);
    call.open("POST", root + address());
    call.send(body);
  });
}

async function waitForResult(upload) {
  let state = upload;
  while (!state.result) {
    if (state.state === "refused") throw new Error(state.detail ?? "it was refused");
    await pause(1000);
    state = await (await request(upload.links.self)).json();
  }
  return state.result;
}

async function send(file) {
  const bar = element("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` });
  const state = element("p", {}, "sending");
  const item = element("li", { class: "panel" }, element("h2", {}, file.name), bar, state);
  list.append(item);
  try {
    const upload = await post(file, (share) => (bar.value = share), () => {
      bar.removeAttribute("value");
      state.textContent = "analysing";
    });
    const result = await waitForResult(upload);
    state.textContent = "done";
    item.append(resultCard(result));
    return true;
  } catch (error) {
    state.setAttribute("role", "alert");
    state.textContent = `not analysed: ${error.message}`;
    return false;
  } finally {
    bar.value = 1;
  }
}

async function sendAll(files) {
  const button = form.querySelector("button");
  button.disabled = true;
  list.replaceChildren();
  let [done, analysed] = [0, 0];
  for (const file of files) {
    summary.textContent = `${done} of ${files.length} done`;
    analysed += await send(file);
    done += 1;
  }
  summary.textContent = `${done} of ${files.length} done: ${analysed} analysed, ${done - analysed} not`;
  button.disabled = false;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  sendAll([...form.elements.file.files]);
});
for (const kind of ["dragover", "dragleave", "drop"])
  drop.addEventListener(kind, (event) => {
    event.preventDefault();
    drop.classList.toggle("over", kind === "dragover");
    if (kind === "drop") form.elements.file.files = event.dataTransfer.files;
  });

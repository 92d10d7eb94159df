// Files go out one after the other; each says how far it is and what came of it.
import { ask, make, problem, toLogin } from "./dom.js";
import { card } from "./result.js";

const form = document.getElementById("upload");
const drop = document.getElementById("drop");
const list = document.getElementById("files");
const summary = document.getElementById("summary");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function address() {
  const query = new URLSearchParams();
  const models = [...form.querySelectorAll("[name=model]:checked")].map((box) => box.value);
  if (models.length) query.set("model", models.join(","));
  for (const name of ["device", "site", "exam"]) if (form.elements[name]?.value) query.set(name, form.elements[name].value);
  return `/api/v1/recordings?${query}`;
}

function post(file, onProgress, onSent) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
    request.upload.addEventListener("load", onSent);
    request.addEventListener("error", () => reject(new Error("the server cannot be reached")));
    request.addEventListener("load", () => {
      if (request.status === 401) toLogin();
      else if (request.status < 300) resolve(JSON.parse(request.responseText));
      else reject(new Error(problem(request.responseText, request.status)));
    });
    const body = new FormData();
    body.append("file", file);
    request.open("POST", address());
    request.send(body);
  });
}

async function analysed(upload) {
  let state = upload;
  while (!state.result) {
    if (state.state === "refused") throw new Error(state.detail ?? "it was refused");
    await pause(1000);
    state = await (await ask(upload.links.self)).json();
  }
  return state.result;
}

async function send(file) {
  const bar = make("progress", { max: 1, value: 0, "aria-label": `Upload of ${file.name}` });
  const state = make("p", {}, "sending");
  const item = make("li", { class: "panel" }, make("h3", {}, file.name), bar, state);
  list.append(item);
  try {
    const upload = await post(file, (share) => (bar.value = share), () => {
      bar.removeAttribute("value");
      state.textContent = "analysing";
    });
    const result = await analysed(upload);
    state.textContent = "done";
    item.append(card(result));
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
  let [done, good] = [0, 0];
  for (const file of files) {
    summary.textContent = `${done} of ${files.length} done`;
    good += await send(file);
    done += 1;
  }
  summary.textContent = `${done} of ${files.length} done: ${good} analysed, ${done - good} not`;
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

// One player for all sounds of a page, at its foot: links of the class `play` start it. Without it they open the sound.
import { element } from "./dom.js";

const PLAY = "▶ Play";
const PAUSE = "❚❚ Pause";
const title = element("span", { class: "title" });
const audio = element("audio", { controls: "" });
const bar = element("aside", { class: "player", "aria-label": "Player", hidden: "" }, title, audio);
let playing = null;

function show(text) {
  if (playing) playing.firstChild.textContent = text;
}

function play(link) {
  if (playing !== link) {
    show(PLAY);
    playing = link;
    audio.src = link.href;
    title.textContent = link.dataset.title;
    bar.hidden = false;
  }
  audio.play().catch(() => {}); // the event `error` says why
}

document.body.append(bar);
document.addEventListener("click", (event) => {
  const link = event.target.closest("a.play");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  if (playing === link && !audio.paused) audio.pause();
  else play(link);
});
audio.addEventListener("play", () => show(PAUSE));
for (const stop of ["pause", "ended"]) audio.addEventListener(stop, () => show(PLAY));
audio.addEventListener("error", () => {
  title.textContent = `${playing.dataset.title}: its sound is not kept any more.`;
  show(PLAY);
});

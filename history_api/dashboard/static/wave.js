// Interactive wave of a recording, on the player of the page: cursor, zoom, play head, and marks of S1, S2 and gaps.
import { element, root } from "./dom.js";
import HoverPlugin from "./wavesurfer-hover.esm.js";
import WaveSurfer from "./wavesurfer.esm.js";

const STEP_S = 0.1;
const ZOOM = 1.6;
const MAX_PX_PER_S = 600;
const MAX_PX = 60_000;
const TICK_PX = 60;
const NAMED_PX = 24; // marks that stand closer have no name
const byId = (id) => document.getElementById(id);
const dark = matchMedia("(prefers-color-scheme: dark)");

// The server sends few numbers, however long the sound is: nothing is decoded here. Without them the picture stays.
export async function showWave(address, query) {
  const audio = document.querySelector("#recording audio");
  if (!audio) return;
  const answer = await fetch(`${root}${address}/peaks.json${query}`).catch(() => null);
  const peaks = answer?.ok ? await answer.json() : null;
  if (peaks?.low.length) new Wave(audio, peaks);
}

class Wave {
  constructor(audio, peaks) {
    this.peaks = peaks;
    this.view = byId("wave-view");
    byId("wave").hidden = false;
    // On paper the picture is better than the wave; it is loaded although it is not shown.
    byId("drawn-wave").querySelector("img").loading = "eager";
    byId("drawn-wave").classList.add("paper");
    const told = (seconds) => `${(peaks.start_s + seconds).toFixed(2)} s`;
    this.told = told;
    this.surfer = WaveSurfer.create({
      container: this.view,
      cspNonce: byId("wave").dataset.nonce,
      media: audio,
      peaks: [peaks.high, peaks.low],
      duration: peaks.duration_s,
      height: 140,
      normalize: true,
      dragToSeek: true,
      cursorWidth: 2,
      plugins: [HoverPlugin.create({ formatTimeCallback: told, labelSize: 13 })],
      ...this.colours(),
    });
    this.pxPerS = 0; // all of it fits
    this.surfer.on("ready", () => this.mark());
    for (const event of ["timeupdate", "seeking"]) this.surfer.on(event, () => this.tell());
    for (const event of ["zoom", "resize"]) this.surfer.on(event, () => this.fit());
    dark.addEventListener("change", () => this.surfer.setOptions(this.colours()));
    byId("zoom-in").addEventListener("click", () => this.zoom(ZOOM));
    byId("zoom-out").addEventListener("click", () => this.zoom(1 / ZOOM));
    this.view.addEventListener("keydown", (event) => this.onKey(event));
    this.slider = this.surfer.getWrapper().parentElement; // what scrolls has the focus
    const [first, last] = [peaks.start_s, peaks.start_s + peaks.duration_s];
    const role = { role: "slider", tabindex: "0", "aria-label": "Position in the sound", "aria-valuemin": first.toFixed(2), "aria-valuemax": last.toFixed(2) };
    for (const [name, value] of Object.entries(role)) this.slider.setAttribute(name, value);
    byId("wave-legend").textContent = peaks.s1_s.length + peaks.s2_s.length ? "Lines from above are S1, dashed ones from below S2." : "";
    this.tell();
  }

  colours() {
    const colour = (name) => getComputedStyle(this.view).getPropertyValue(name);
    return { waveColor: colour("--soft"), progressColor: colour("--accent"), cursorColor: colour("--trace") };
  }

  mark() {
    const { start_s, duration_s, s1_s, s2_s, gaps_s } = this.peaks;
    const place = (second) => `${(100 * (second - start_s)) / duration_s}%`;
    const made = [];
    for (const [name, seconds] of [["S1", s1_s], ["S2", s2_s]])
      for (const second of seconds.filter((each) => each >= start_s)) {
        const line = element("div", { part: `mark ${name}`, "aria-hidden": "true" }, name);
        line.style.left = place(second);
        made.push(line);
      }
    for (const [begin, end] of gaps_s.filter((each) => each[1] > start_s)) {
      const gap = element("div", { part: "gap", title: `no sound from ${begin.toFixed(2)} to ${end.toFixed(2)} s` });
      gap.style.left = place(Math.max(begin, start_s));
      gap.style.width = `${(100 * (end - Math.max(begin, start_s))) / duration_s}%`;
      made.push(gap);
    }
    this.axis = element("div", { part: "axis", "aria-hidden": "true" });
    this.surfer.getWrapper().append(...made, this.axis);
    this.marks = made.filter((each) => each.part.contains("mark"));
    this.fit();
  }

  // Marks have their names, and the axis its seconds, where there is room.
  fit() {
    if (!this.marks) return;
    const { start_s, duration_s } = this.peaks;
    const width = Math.max(this.surfer.getWidth(), this.pxPerS * duration_s);
    for (const mark of this.marks) mark.part.toggle("unnamed", this.marks.length * NAMED_PX > width);
    const least = (TICK_PX * duration_s) / width;
    const decade = 10 ** Math.floor(Math.log10(least));
    const step = [1, 2, 5, 10].map((each) => each * decade).find((each) => each >= least);
    const ticks = [];
    for (let i = Math.ceil(start_s / step); i * step < start_s + duration_s; i++) {
      const tick = element("span", { part: "tick" }, `${+(i * step).toFixed(2)} s`);
      tick.style.left = `${(100 * (i * step - start_s)) / duration_s}%`;
      ticks.push(tick);
    }
    this.axis.replaceChildren(...ticks);
  }

  zoom(factor) {
    const fitting = this.surfer.getWidth() / this.peaks.duration_s;
    const wanted = Math.min((this.pxPerS || fitting) * factor, MAX_PX_PER_S, MAX_PX / this.peaks.duration_s);
    this.pxPerS = wanted > fitting ? wanted : 0;
    this.surfer.zoom(this.pxPerS);
  }

  tell() {
    const now = this.told(this.surfer.getCurrentTime());
    this.slider.setAttribute("aria-valuenow", parseFloat(now));
    this.slider.setAttribute("aria-valuetext", now);
    byId("wave-time").textContent = `${now} of ${this.told(this.peaks.duration_s)}`;
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { surfer } = this;
    const step = event.shiftKey ? 10 * STEP_S : STEP_S;
    const to = (second) => surfer.setTime(Math.max(0, Math.min(second, this.peaks.duration_s)));
    const actions = {
      ArrowLeft: () => to(surfer.getCurrentTime() - step),
      ArrowRight: () => to(surfer.getCurrentTime() + step),
      Home: () => to(0),
      End: () => to(this.peaks.duration_s),
      " ": () => surfer.playPause().catch(() => {}),
      "+": () => this.zoom(ZOOM),
      "-": () => this.zoom(1 / ZOOM),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  }
}

// Canvas with the phonocardiogram of one recording, drawn like a patient monitor: pages fill from left to right.
const PAGE_S = 6;
const MIN_PEAK = 0.05; // quieter sound is not scaled up further

export class Trace {
  constructor(canvas) {
    this.canvas = canvas;
    this.begin(null);
    addEventListener("resize", () => this.draw());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  begin(recording) {
    this.recording = recording;
    this.columns = new Map();
    this.page_s = 0;
    this.peak = MIN_PEAK;
    this.end_s = 0;
    this.draw();
  }

  add(sound) {
    if (sound.recording_id !== this.recording) this.begin(sound.recording_id);
    this.step_s = sound.step_s;
    const first = Math.round(sound.start_s / sound.step_s);
    sound.low.forEach((low, i) => {
      this.columns.set(first + i, [low, sound.high[i]]);
      this.peak = Math.max(this.peak, -low, sound.high[i]);
    });
    this.end_s = Math.max(this.end_s, sound.start_s + sound.low.length * sound.step_s);
    this.turnPage();
    this.draw();
  }

  // A stream may last for hours: drops the columns of earlier pages, and their peak.
  turnPage() {
    if (this.start_s() === this.page_s) return;
    this.page_s = this.start_s();
    const first = Math.round(this.page_s / this.step_s);
    this.peak = MIN_PEAK;
    for (const [i, [low, high]] of this.columns) {
      if (i < first) this.columns.delete(i);
      else this.peak = Math.max(this.peak, -low, high);
    }
  }

  start_s() {
    return PAGE_S * Math.floor(Math.max(0, this.end_s - 1e-6) / PAGE_S);
  }

  draw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.paint();
    });
  }

  paint() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    [canvas.width, canvas.height] = [width * devicePixelRatio, height * devicePixelRatio];
    const context = canvas.getContext("2d");
    context.scale(devicePixelRatio, devicePixelRatio);
    const colour = (name) => getComputedStyle(canvas).getPropertyValue(name);
    this.grid(context, width, height, this.page_s, colour("--grid"), colour("--soft"));
    context.fillStyle = colour("--trace");
    const bar = Math.max(1, (width * (this.step_s ?? 1)) / PAGE_S);
    for (const [i, column] of this.columns) {
      const [low, high] = column.map((value) => height / 2 - (value / this.peak) * height * 0.46);
      context.fillRect(((i * this.step_s - this.page_s) / PAGE_S) * width, high, bar, Math.max(1, low - high));
    }
  }

  grid(context, width, height, start_s, line, text) {
    context.font = "12px system-ui, sans-serif";
    for (let second = 0; second < PAGE_S; second++) {
      const x = (second / PAGE_S) * width;
      context.fillStyle = line;
      context.fillRect(x, 0, 1, height);
      context.fillStyle = text;
      context.fillText(`${start_s + second} s`, x + 4, height - 6);
    }
  }
}

// The microphone of the browser: sound as it is, as PCM, and as a WAV file.
const FULL_SCALE = 32767;
const QUIET_WITHIN_MS = 5000;
const AS_IT_IS = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };

export const isSupported = () => Boolean(navigator.mediaDevices?.getUserMedia && window.AudioWorkletNode);

export const microphones = async () => (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "audioinput" && each.deviceId);

export class Microphone {
  // Call it where a button is pressed: phones start no sound at another time.
  static async open(id) {
    const context = new AudioContext();
    const opened = new Microphone(context);
    try {
      const audio = { ...AS_IT_IS, channelCount: 1, ...(id && { deviceId: { exact: id } }) };
      opened.stream = await navigator.mediaDevices.getUserMedia({ audio });
      await context.audioWorklet.addModule(new URL("./capture.js", import.meta.url));
      await context.resume();
      return opened;
    } catch (error) {
      opened.close();
      throw error;
    }
  }

  constructor(context) {
    this.context = context;
    this.rate = context.sampleRate;
  }

  // What the browser does to the sound although it was asked not to.
  processing() {
    const settings = this.stream.getAudioTracks()[0].getSettings();
    return Object.keys(AS_IT_IS).filter((name) => settings[name]);
  }

  // Records after `lead_s`; `show` gets what is left, and the level. Resolves with what was recorded until `stop`.
  record(lead_s, length_s, show) {
    const lead = Math.round(lead_s * this.rate);
    const wanted = Math.round(length_s * this.rate);
    const samples = new Int16Array(wanted);
    let [heard, peak] = [0, 0];
    const node = new AudioWorkletNode(this.context, "capture", { channelCount: 1, channelCountMode: "explicit" });
    const source = this.context.createMediaStreamSource(this.stream);
    return new Promise((resolve) => {
      const end = (isInterrupted) => {
        clearTimeout(this.timer);
        node.port.onmessage = null;
        const length = Math.max(0, Math.min(heard - lead, wanted));
        resolve({ samples: samples.subarray(0, length), rate: this.rate, peak, began: this.began, isInterrupted });
      };
      const watch = () => {
        clearTimeout(this.timer);
        this.timer = setTimeout(end, QUIET_WITHIN_MS, true);
      };
      this.stop = () => end(false);
      this.stream.getAudioTracks()[0].addEventListener("ended", () => end(true));
      node.port.onmessage = ({ data }) => {
        watch();
        let level = 0;
        for (const [i, value] of data.entries()) {
          level = Math.max(level, Math.abs(value));
          const at = heard + i - lead;
          if (at === 0) this.began = new Date();
          if (at >= 0 && at < wanted) {
            samples[at] = Math.round(Math.max(-1, Math.min(1, value)) * FULL_SCALE);
            peak = Math.max(peak, Math.abs(samples[at]));
          }
        }
        heard += data.length;
        show({ lead_s: (lead - heard) / this.rate, left_s: (lead + wanted - heard) / this.rate, level });
        if (heard >= lead + wanted) end(false);
      };
      watch();
      source.connect(node).connect(this.context.destination); // it is silent; without it some browsers run no worklet
    });
  }

  close() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.context.close();
  }
}

export function wavFile(samples, rate) {
  const size = 2 * samples.length;
  const header = new DataView(new ArrayBuffer(44));
  const text = (at, letters) => [...letters].forEach((letter, i) => header.setUint8(at + i, letter.charCodeAt(0)));
  text(0, "RIFF");
  header.setUint32(4, 36 + size, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, 1, true); // PCM
  header.setUint16(22, 1, true); // mono
  header.setUint32(24, rate, true);
  header.setUint32(28, 2 * rate, true);
  header.setUint16(32, 2, true);
  header.setUint16(34, 16, true);
  text(36, "data");
  header.setUint32(40, size, true);
  return new Blob([header, samples], { type: "audio/wav" });
}

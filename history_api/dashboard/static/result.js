// A result as a large card, and as a sentence for screen readers.
import { element, percent, recordingAddress, root, utc, when } from "./dom.js";
import { correction, disagreement, explanation, headline, hints, labelName, language, modelName, severityName, symbol } from "./labels.js";

export function resultSentence(result) {
  const { confidence, severity } = result.verdict;
  const parts = [`${result.device_id}: ${headline(result)}`];
  if (severity !== "unknown") parts.push(severityName(severity));
  if (confidence !== null) parts.push(percent(confidence));
  if (result.heart_rate_bpm !== null) parts.push(`${Math.round(result.heart_rate_bpm)} beats per minute`);
  return [parts.join(", "), correction(result), disagreement(result)].filter(Boolean).join(". ");
}

export function resultCard(result) {
  const rate = result.heart_rate_bpm === null ? null : ` · ♥ ${Math.round(result.heart_rate_bpm)} bpm`;
  const facts = element("p", {}, element("a", { href: recordingAddress(result) }, result.device_id), " · ", when(result.captured_at));
  if (rate) facts.append(rate);
  return element(
    "article",
    { class: "sound", "data-severity": result.verdict.severity, lang: language },
    element("h3", {}, headline(result)),
    ...answer(result),
    result.reasons.length ? element("ul", { class: "hints" }, ...hints(result).map((hint) => element("li", { class: "hint" }, hint))) : null,
    element("ul", { class: "plain" }, ...result.models.map(predictionItem)),
    sound(result),
    facts,
  );
}

function sound(result) {
  const address = `${root}/api/v1/recordings/${encodeURIComponent(result.recording_id)}`;
  const which = `?device=${encodeURIComponent(result.device_id)}`;
  const name = `${result.device_id}, ${utc(result.captured_at)}`;
  const picture = element("img", { src: `${address}/spectrogram.png${which}`, alt: `Spectrogram of ${name}`, loading: "lazy" });
  picture.addEventListener("error", () => (picture.parentElement.hidden = true));
  return element(
    "div",
    {},
    element("a", { class: "cut", href: recordingAddress(result) }, picture),
    element("a", { class: "button play", href: `${address}/audio.wav${which}`, "data-title": name }, element("span", {}, "▶ Play"), element("span", { class: "unseen" }, ` ${name}`)),
  );
}

function answer({ verdict, ...result }) {
  const share = verdict.confidence === null ? "" : `, ${percent(verdict.confidence)}`;
  const words = `${symbol(verdict.severity)} ${severityName(verdict.severity)}${share}`;
  const contradiction = disagreement({ verdict, ...result });
  const right = correction(result);
  const meaning = verdict.label === null ? "" : explanation(verdict.model, verdict.label);
  return [
    element("p", { class: "severity", "data-severity": verdict.severity }, words),
    right && element("p", { class: "corrected" }, element("strong", {}, right)),
    contradiction && element("p", { class: "disagree" }, `⚠ ${contradiction}`),
    meaning ? element("p", { class: "soft" }, meaning) : null,
  ];
}

function predictionItem(model) {
  const said = model.accepted
    ? `${symbol(model.severity)} ${labelName(model.model, model.label)}, ${percent(model.confidence)}`
    : `${symbol("unknown")} ${severityName("unknown")}`;
  return element("li", {}, element("strong", {}, modelName(model.model)), `: ${said}`);
}

// A result as a large card, and as a sentence for screen readers.
import { element, percent, recordingAddress, utc } from "./dom.js";

const NO_LABEL = { inconclusive: "Cannot tell", error: "Analysis failed" };

export function headline(result) {
  const accepted = result.models.find((model) => model.accepted);
  return accepted ? accepted.label.replaceAll("_", " ") : NO_LABEL[result.status] ?? "Cannot tell";
}

export function resultSentence(result) {
  const accepted = result.models.find((model) => model.accepted);
  const rate = result.heart_rate_bpm === null ? "" : `, ${Math.round(result.heart_rate_bpm)} beats per minute`;
  return `${result.device_id}: ${headline(result)}${accepted ? `, ${percent(accepted.confidence)}` : ""}${rate}`;
}

export function resultCard(result) {
  const rate = result.heart_rate_bpm === null ? null : ` · ♥ ${Math.round(result.heart_rate_bpm)} bpm`;
  const facts = element("p", {}, element("a", { href: recordingAddress(result) }, result.device_id), ` · ${utc(result.captured_at)}`);
  if (rate) facts.append(rate);
  return element(
    "article",
    { class: "sound", "data-status": result.status },
    element("h3", {}, headline(result)),
    result.hints.length ? element("ul", { class: "hints" }, ...result.hints.map((hint) => element("li", { class: "hint" }, hint))) : null,
    element("ul", { class: "plain" }, ...result.models.map(predictionItem)),
    facts,
  );
}

function predictionItem(model) {
  const label = model.accepted ? `${model.label}, ${percent(model.confidence)}` : "cannot tell";
  return element("li", {}, element("strong", {}, model.model), ` ${model.accepted ? "✓" : "?"} ${label}`);
}

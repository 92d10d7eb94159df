// A result as a card that can be read across a room, and as a sentence for a screen reader.
import { make, page, percent, when } from "./dom.js";

const FAILED = { inconclusive: "Cannot tell", error: "Analysis failed" };

export function headline(result) {
  const said = result.models.find((model) => model.accepted);
  return said ? said.label.replaceAll("_", " ") : FAILED[result.status] ?? "Cannot tell";
}

export function sentence(result) {
  const said = result.models.find((model) => model.accepted);
  const rate = result.heart_rate_bpm === null ? "" : `, ${Math.round(result.heart_rate_bpm)} beats per minute`;
  return `${result.device_id}: ${headline(result)}${said ? `, ${percent(said.confidence)}` : ""}${rate}`;
}

export function card(result) {
  const rate = result.heart_rate_bpm === null ? null : ` · ♥ ${Math.round(result.heart_rate_bpm)} bpm`;
  const facts = make("p", {}, make("a", { href: page(result) }, result.device_id), ` · ${when(result.captured_at)}`);
  if (rate) facts.append(rate);
  return make(
    "article",
    { class: "sound", "data-status": result.status },
    make("h3", {}, headline(result)),
    result.hints.length ? make("ul", { class: "hints" }, ...result.hints.map((hint) => make("li", { class: "hint" }, hint))) : null,
    make("ul", { class: "plain" }, ...result.models.map(judgement)),
    facts,
  );
}

function judgement(model) {
  const sure = model.accepted ? `${model.label}, ${percent(model.confidence)}` : "cannot tell";
  return make("li", {}, make("strong", {}, model.model), ` ${model.accepted ? "✓" : "?"} ${sure}`);
}

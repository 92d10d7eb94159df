// Names of models and labels for people, in the language that the browser asks for.
import { request } from "./dom.js";

// Without them, as while the server starts, the page works, and shows the names that programs use.
const WITHOUT = {
  language: "en",
  severities: {
    finding: { name: "Needs attention", symbol: "!" },
    none: { name: "No finding", symbol: "✓" },
    unknown: { name: "Cannot tell", symbol: "?" },
  },
  failed: "Analysis failed",
  disagree: "The models disagree",
  advice: { heart: {}, sound: {} },
  corrected: "Corrected by a reviewer to",
  models: {},
};
const words = await request("/api/v1/labels")
  .then((response) => response.json())
  .catch(() => WITHOUT);
const plain = (name) => name.replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

export const language = words.language;
export const modelName = (model) => words.models[model]?.name ?? plain(model);
export const labelName = (model, label) => words.models[model]?.labels[label]?.name ?? plain(label);
export const explanation = (model, label) => words.models[model]?.labels[label]?.explanation ?? "";
export const symbol = (severity) => words.severities[severity].symbol;
export const severityName = (severity) => words.severities[severity].name;

export function headline(result) {
  const { model, label } = result.verdict;
  if (label !== null) return labelName(model, label);
  return result.status === "error" ? words.failed : severityName("unknown");
}

// Returns what to do about each reason, in the words of the one who recorded it.
export function hints(result) {
  const isSound = result.models.length > 0 && result.models.every((each) => each.hears === "sound");
  const known = words.advice[isSound ? "sound" : "heart"];
  return result.reasons.map((reason, i) => known[reason] ?? result.hints[i]);
}

// Returns which answers of the models contradict each other; null where none do.
export function disagreement(result) {
  const models = result.models.filter((each) => result.verdict.disagree.includes(each.model));
  const names = new Set(models.map((each) => labelName(each.model, each.label)));
  return names.size ? `${words.disagree}: ${[...names].join(", ")}` : null;
}

// Returns to what a reviewer corrected the result; null where nobody did.
export function correction({ review }) {
  if (!review?.label) return null;
  const severity = words.models[review.model]?.labels[review.label]?.severity ?? review.severity;
  return `${words.corrected} ${symbol(severity)} ${labelName(review.model, review.label)}`;
}

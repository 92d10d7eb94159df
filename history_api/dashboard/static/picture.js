// Pictures: hides those that the server could not draw, and opens the others large. Without it they open by themselves.
import { element } from "./dom.js";

const dialog = element("dialog", { class: "large" });

export function hideIfMissing(picture) {
  const hide = () => ((picture.closest("figure") ?? picture).hidden = true);
  if (picture.complete && picture.naturalWidth === 0 && picture.loading !== "lazy") hide();
  picture.addEventListener("error", hide);
}

function open(link) {
  const small = link.querySelector("img");
  const close = element("button", { value: "close" }, "Close");
  const large = element("img", { src: link.href, alt: small.alt });
  dialog.setAttribute("aria-label", small.alt);
  dialog.replaceChildren(element("form", { method: "dialog" }, close), element("div", { class: "wide", tabindex: "0", role: "region", "aria-label": small.alt }, large));
  dialog.showModal();
}

document.querySelectorAll("figure img").forEach(hideIfMissing);
document.body.append(dialog);
document.addEventListener("click", (event) => {
  const link = event.target.closest("figure a.picture");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  open(link);
});

// Hides the figures of pictures that the server could not draw.
for (const picture of document.querySelectorAll("figure img")) {
  const hide = () => (picture.closest("figure").hidden = true);
  if (picture.complete && picture.naturalWidth === 0) hide();
  picture.addEventListener("error", hide);
}

// Models page: a link of the table opens the details of its model.
import "./picture.js";

function open() {
  const details = document.getElementById(location.hash.slice(1));
  if (details?.matches("details")) details.open = true;
}

addEventListener("hashchange", open);
open();

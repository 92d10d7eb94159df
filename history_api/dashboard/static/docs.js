// Shows the OpenAPI document with the viewer, in the colours that the browser asks for; nothing of another host.
const { root } = document.documentElement.dataset;
const dark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

dark.addEventListener("change", paint);
paint();
window.SwaggerUIBundle({ dom_id: "#docs", url: `${root}/openapi.json`, deepLinking: true, docExpansion: "none", filter: true, defaultModelsExpandDepth: 0, validatorUrl: null });

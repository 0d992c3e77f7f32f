"use strict";
// Puts the viewer in place of the plain list of routes, which stays where the viewer cannot run.
window.addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("viewer");
  if (!place || typeof SwaggerUIBundle === "undefined") {
    return;
  }
  SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "list",
    displayRequestDuration: true,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    onComplete: () => place.querySelector("#servers")?.setAttribute("aria-label", place.dataset.servers),
  });
});

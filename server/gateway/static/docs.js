// Swagger UI on our document; nothing of it asks anybody but this server.
SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "openapi.json",
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  filter: true,
  persistAuthorization: false,
  supportedSubmitMethods: ["get", "put", "post", "delete", "options", "head", "patch", "trace"],
  tryItOutEnabled: true,
});

"""Makes the OpenAPI document of the HTTP door from the contracts, while developing; the server only reads the file."""

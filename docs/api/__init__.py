"""Makes the descriptions of the services' interfaces that stand beside it: OpenAPI and AsyncAPI, taken from the code."""

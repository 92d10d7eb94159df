"""OpenAPI: operations, schemas, problem documents, and the validation of requests against them."""

"""OpenAPI vocabulary: operations, schemas, problem documents, and the validation of requests."""

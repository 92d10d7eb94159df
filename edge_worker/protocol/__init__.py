"""Wire protocol: topics, chunks, results, and every other payload. Normative: `docs/protocol.md`."""

"""Wire protocol: MQTT topics, and one module for each kind of payload. Normative: `docs/protocol.md`."""

"""MQTT client of the history API: the session at the broker and the uploads that it publishes."""

"""MQTT: the API's session at the broker, and the uploads that it publishes."""

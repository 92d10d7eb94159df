"""The way to the broker: sessions of MQTT, and one loop that drives them."""

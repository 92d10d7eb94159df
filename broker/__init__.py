"""The broker's side of a deployment: configuration, accounts, certificates, and running Mosquitto."""

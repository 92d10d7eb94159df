"""What spares the database questions that are asked with each recording."""

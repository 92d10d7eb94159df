"""Access to the API: the keys of people and programs, and the sessions of browsers."""

"""How a page of results is read fast: where its query begins, and compiled once."""

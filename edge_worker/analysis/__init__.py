"""Analysis: from a closed recording or a finished stream to its stored result."""

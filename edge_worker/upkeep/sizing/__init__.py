"""How large a worker is on its machine: what of the machine it may use, and how many processes that makes."""

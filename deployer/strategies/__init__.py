"""How an environment moves from one revision to the next."""

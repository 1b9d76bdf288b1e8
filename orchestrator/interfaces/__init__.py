"""Ways into the system, unaware of each other."""

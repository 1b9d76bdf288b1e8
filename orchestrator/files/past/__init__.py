"""Earlier moments, from the newest snapshot before them and the records behind it."""

"""The table of all tasks of a directory, at scale: kept between calls, asked with conditions, counted."""

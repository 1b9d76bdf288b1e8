"""What tasks wrote: which logs there are, their lines, and following them."""

"""The journal, as somebody reads it who does not write it: followed, looked back in, told as changes."""

"""Tables of quality and speed, peers side by side."""

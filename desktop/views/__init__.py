"""The window and its panels: they state facts and obey setters; no view reads another."""

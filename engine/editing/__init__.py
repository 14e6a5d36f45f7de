"""Editing pictures by search: inversion, tuning, dragging."""

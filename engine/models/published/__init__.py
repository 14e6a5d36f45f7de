"""Layouts that published checkpoints come in, one a file, each brought to the names used here."""

"""The trainer of the small bundled generators: one file a family, and what they share."""

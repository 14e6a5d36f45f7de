"""Models by name: their folders, their cards, and the one face they show to the rest."""

"""Trainers and the measures that judge what they made."""

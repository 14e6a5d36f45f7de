"""Diffusion models of every kind: what their cards say, and what they are once opened."""

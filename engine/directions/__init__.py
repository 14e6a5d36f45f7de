"""Directions in latent space: finding, measuring and keeping them."""

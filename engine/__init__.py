"""The engine of Latent Atelier: everything but the window. Nothing below here imports Qt."""

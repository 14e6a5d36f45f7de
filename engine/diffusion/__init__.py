"""Diffusion models: schedules, one denoising loop, samplers and guidance."""

"""Untrusted files to raw named tensors."""

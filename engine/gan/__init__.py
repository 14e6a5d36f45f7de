"""Generator architectures, one a file."""

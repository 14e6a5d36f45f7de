"""Names and shapes of the tensors of each classic generator, one family a file, without torch."""

"""Kernels that are compiled for the processor at hand when the program runs, by LLVM."""

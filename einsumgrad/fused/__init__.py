"""Kernels fused to loops: their scalar functions as LLVM IR."""

"""Runs: plans as compiled steps, kept for equal shapes."""

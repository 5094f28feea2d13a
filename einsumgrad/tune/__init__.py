"""Plans made faster: the same instructions, fewer and in better shapes."""

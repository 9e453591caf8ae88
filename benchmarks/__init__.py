"""Load, our own pipeline and what others use, measured in the same run and given as ratios."""

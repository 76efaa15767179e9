"""What operators work out: formulas for what they enter and comparisons for what they choose, found in recorded work."""

"""How good decisions are: committed sets of cases, and what they measure."""

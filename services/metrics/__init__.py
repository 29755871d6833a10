"""The metrics service: SLA clocks, figures, and the board, folded from the log."""

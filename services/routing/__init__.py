"""routing: names the one unit that must act on a complaint, and says why."""

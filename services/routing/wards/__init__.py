"""Where a complaint is, by its point: the index, the exact borders, how they are built and compared."""

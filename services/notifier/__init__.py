"""The notifier: tells the officials who must act, and takes their answers."""

"""A mail sink: takes what the notifier sends, keeps it, and shows it as pages and as JSON. It delivers to nobody."""

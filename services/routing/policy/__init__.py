"""Who gets a complaint: rules and notices as data, checked, tried, explained and activated."""

"""The plumbing that every service stands on. It knows nothing of complaints."""

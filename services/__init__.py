"""The four services: each its own program, its own schema, its own tables."""

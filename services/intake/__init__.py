"""Accepts citizens' complaints from upstream apps, and tells the apps where they stand."""

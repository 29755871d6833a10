"""Tanggap: what all four services stand on."""

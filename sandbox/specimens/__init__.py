"""Frozen views for the gallery: what cards, answers and forms can have to show, one of each."""

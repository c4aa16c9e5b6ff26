"""Desired against observed: an ordered, frozen, serialisable plan."""

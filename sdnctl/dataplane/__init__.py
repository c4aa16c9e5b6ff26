"""Rules and packets as values, and the in-memory switch that executes them."""

"""Real agents for tests and benchmarks."""

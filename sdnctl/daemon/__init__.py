"""The controller's own moves: what it does between two applies, always towards what was applied."""

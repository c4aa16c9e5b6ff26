"""Foreign formats: files that other tools write and read, as values and back."""

"""What applications need: models of intent files, and their resolution to demands."""

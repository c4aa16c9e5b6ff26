"""One module per resource; each a few lines to one operation."""

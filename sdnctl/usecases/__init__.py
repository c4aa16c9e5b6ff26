"""What a person or a pipeline asks for: one module per use case; values in, values out, edges called."""

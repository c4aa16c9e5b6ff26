"""The controller over HTTP: what can be asked and done, who may, and how it is told (docs/controller.md)."""

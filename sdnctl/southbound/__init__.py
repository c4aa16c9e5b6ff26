"""Drivers: how rule sets and settings reach devices, and how what devices hold is read back."""

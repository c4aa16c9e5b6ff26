"""Devices to test against: a real netconfd behind a real sshd, and what the outside world does at it."""

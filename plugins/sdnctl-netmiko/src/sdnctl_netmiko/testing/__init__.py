"""Devices to test against: real FRRouting behind a real sshd, and a simulator of an IOS-like access switch."""

"""What the API answers: the documented contract, the same documents that `--format json` prints.

Nested values are the dataclasses of the use cases themselves, so that they cannot differ from what is sent.
Clients must ignore keys that they do not know: within a format, keys are added and never renamed.
"""

"""A running controller as the command line sees it: found by its socket or URL, asked over HTTP."""

"""
The operator's page: a process of its own beside the daemon, which it asks as the commands do.

Whatever goes wrong here, broadcasts go on; and what is done here runs through the same functions as the
commands and leaves the same rows.
"""

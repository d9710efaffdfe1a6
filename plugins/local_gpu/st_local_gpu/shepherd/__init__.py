"""The shepherd: one small process per attempt that starts the trainer, watches it, and outlives the
server.

Standard library only, and nothing outside this folder: it runs as `python -I -S …/shepherd <run
folder>`, so that an upgrade of the server, or a broken one, never touches a training that goes on.
"""

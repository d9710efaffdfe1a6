"""The test kit for plugins, ours and a stranger's: fixtures, contracts to subclass, and fakes.

Installed with the server as a pytest plugin; `plugins/README.md` shows how to use it.
"""

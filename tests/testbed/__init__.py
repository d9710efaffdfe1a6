"""Real components that the tests drive: each a `Service` with its own folder, port and end."""

"""The stranger's own tests run by themselves, with the stranger's package installed."""

collect_ignore_glob = ["st_hello/*"]

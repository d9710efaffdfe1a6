"""The commands of the double."""

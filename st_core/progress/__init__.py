"""How far a run is, read from files that trainers already write. See `readings` for the words."""

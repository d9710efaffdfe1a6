"""A test double of accelerate's launcher: it takes what the real one takes, and nothing else."""

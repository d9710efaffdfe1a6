"""A test double of SimpleTuner: its outward contract, without a model. See `train`."""

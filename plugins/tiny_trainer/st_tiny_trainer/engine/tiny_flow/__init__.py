"""A class-conditional rectified-flow trainer in numpy, as a process of its own.

Words: a *run* trains one config to its last step, over several processes if need be; *t* goes from
0 (noise) to 1 (picture); the *EMA* is the moving average of the weights, which samples are drawn
from; a *round* draws them.
"""

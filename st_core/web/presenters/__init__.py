"""From what services return to what templates show: plain values, sentences and drawings, no
queries.
"""

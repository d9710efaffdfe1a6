"""The training process, a program apart: the server starts this folder and imports from it only
what needs nothing but the standard library (`tiny_flow.config`, `tiny_flow.folders`).
"""

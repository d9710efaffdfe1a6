"""What goes in and comes out over HTTP, as pydantic models: they validate, and the OpenAPI document
is made of them.
"""

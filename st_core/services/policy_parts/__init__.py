"""Policy as files: everything that governs a server as one tree of YAML, planned, tested, applied.

Words: a *part* is one document of the tree: the core's levels and orgs, and each policy of a
plugin. A *tree* is some parts with the *cases* (tests) that are to hold of them; a part that a tree
leaves out stays as it is. People, their levels and memberships are no policy and never in it.
"""

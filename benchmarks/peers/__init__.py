"""Intaglio and its peers on whole networks, each engine in a process of its own."""

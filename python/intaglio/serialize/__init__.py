"""The `.intaglio` file (docs/format.md): a graph to bytes and back."""

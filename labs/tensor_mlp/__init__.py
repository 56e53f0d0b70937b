"""A Tensor with a graph, and a network on images built from it."""

"""Backpropagation by hand on four small graphs, beside the listing that wengert writes of them."""

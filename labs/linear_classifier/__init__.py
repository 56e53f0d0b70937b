"""A linear classifier, trained by gradient descent on gradients nobody derived."""

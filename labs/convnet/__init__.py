"""A convolutional network on Fashion-MNIST, built from the library's layers."""

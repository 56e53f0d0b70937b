"""The public names of HIPS autograd, stored, so that they can be walked where it is missing."""

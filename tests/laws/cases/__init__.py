"""Tables of law cases, one module per subject; each holds a list ``CASES``."""

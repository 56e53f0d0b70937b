"""Two differentiation engines to read, one for numbers and one for arrays, on two moons."""

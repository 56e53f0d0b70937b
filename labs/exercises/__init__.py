"""Seven exercises in differentiation, each solved by hand and by machine."""

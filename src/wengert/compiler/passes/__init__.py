"""The passes of the compiler: each file one pure function from one form to the next."""

"""The course systems, one folder each; every lab is `lab.py` with a function ``run``."""

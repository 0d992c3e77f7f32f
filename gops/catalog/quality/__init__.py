"""How good what is said of a dataset is (``mqa``), and how its readings come in (``living``).

It never changes the order in which datasets are found.
"""

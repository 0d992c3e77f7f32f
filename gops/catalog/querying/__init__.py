"""One way to ask for data: whatever a dataset is made of is a ``port.Table``; a request becomes a ``port.Ask``."""

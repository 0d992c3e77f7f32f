"""What Prometheus hears of each part, read from the part itself when somebody looks."""

"""Questions to regulators, what their silence means, and exemptions from rules."""

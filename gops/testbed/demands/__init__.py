"""The demand board: problems that cities, residents and companies state, for calls to take up."""

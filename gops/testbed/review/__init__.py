"""Review: evaluators of a call, their bids and conflicts, who judges what, their forms, and what follows from them."""

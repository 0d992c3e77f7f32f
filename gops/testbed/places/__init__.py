"""Places: what a site has, what is near it and in it, its calendar, and which sites would do for a requirement."""

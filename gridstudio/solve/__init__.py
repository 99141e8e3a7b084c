"""Mathematics on arrays: risk, cuts, optimisation, learning. Nothing here knows what a feeder is."""

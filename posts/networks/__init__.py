"""Publishers: one module per network, each the one door to its SDK."""

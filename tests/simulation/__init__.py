"""Station-years on a simulated machine: the real daemon, and everything around it made of numbers."""

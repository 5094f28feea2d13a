"""A tuned plan as the source of one straight Python function over arrays kept from call to call."""

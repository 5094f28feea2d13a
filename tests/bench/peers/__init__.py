"""The contestants: each makes a call that gives the value and all parameters' gradients."""

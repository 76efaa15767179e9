"""The operators' console: a web application for everything that an operator does with the sessions of a run."""

"""Benchmarks: commands that measure casepilot beside what a user would otherwise pick."""

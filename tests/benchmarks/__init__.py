"""The benchmarks, as far as they can be tested without measuring."""

"""
Measures this package beside its peers, in one run on loopback: ``python -m benchmarks --help``.

Nothing here is installed; it is run from a checkout.
"""

"""This package as a contender: through its Deferred API, and through its blocking manager."""

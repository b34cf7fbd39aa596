"""
The application layer inside the channels: records, the JSON objects in them, and their ciphers.

Octets in, values out; no input or output of its own.
"""

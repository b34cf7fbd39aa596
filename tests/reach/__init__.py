"""Whole ways to a camera, with every part real but the network."""

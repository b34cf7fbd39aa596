"""The servers between clients and devices: the rendezvous server and the relay."""

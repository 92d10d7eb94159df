"""Older systems that this one replaces, each answered as its document shows, below an address of its own."""

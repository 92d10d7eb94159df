"""Complete deployment on loopback: broker, worker, history API and firmware as processes."""

from simulator.site.site import NatsSite, Site

__all__ = ["NatsSite", "Site"]

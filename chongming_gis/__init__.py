"""Who reaches each public service in time over the real roads, who does not, and where the next sites go."""

__version__ = "0.1.0"

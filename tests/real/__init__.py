"""The product as people use it: its command line, real git, real Caddy, real CrowdSec."""

"""CastRay bridge: one view of every node's work status, for dashboards, browsers and Prometheus."""

"""Reports for others to read: HTML, CSV, and Prometheus text."""

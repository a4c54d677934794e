"""traceview: reads a session and names the cause."""

"""What ``traceview`` answers without a terminal interface: one function a command, lines out."""

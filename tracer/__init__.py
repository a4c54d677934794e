"""mapi-tracer: the messaging layer and the capture of its debug traces."""

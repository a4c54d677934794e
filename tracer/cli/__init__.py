"""The commands of `tracer`: arguments in, one call out. The composition root."""

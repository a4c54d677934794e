"""Small programs that know nothing of the tracer, each with one fault: run them by `tracer run`."""

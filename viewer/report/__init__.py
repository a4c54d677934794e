"""Reports on a trace: plain text, Markdown, HTML, a picture."""

"""The headless side of the viewer: index, tree, filters, search, findings. Never Textual."""

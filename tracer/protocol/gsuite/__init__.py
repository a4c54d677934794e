"""Gmail and the Google Directory, by a service account with domain-wide delegation."""

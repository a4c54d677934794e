"""The messaging layer that an ERP calls."""

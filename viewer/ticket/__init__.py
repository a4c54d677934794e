"""The ticket: an archive to hand over, with pseudonyms inside and a leak check behind it."""

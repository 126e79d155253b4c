"""Portals: any SQL database as a source of places, read-only; a CMS is a preset of SQL."""

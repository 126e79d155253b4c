"""Alembic migrations; tables.py says what the schema is, a test holds the two equal."""

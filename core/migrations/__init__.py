"""Alembic's folder: how a database comes from one version's schema to the next's."""

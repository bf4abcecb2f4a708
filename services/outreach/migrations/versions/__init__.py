"""The migrations. Alembic reads the modules of this folder only, so packages in it hold parts of one migration."""

"""Parts of migration 0006. Frozen with it: change a table or a trigger by a new migration."""

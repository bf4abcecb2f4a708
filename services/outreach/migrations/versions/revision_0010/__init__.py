"""Parts of migration 0010. Frozen with it: change a table or a trigger by a new migration."""

"""Parts of migration 0001. Frozen with it: change a table or a trigger by a new migration."""

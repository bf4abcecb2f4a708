from services.enrichment.tables import metadata
from shared.migrations import run_env

run_env("enrichment", metadata)

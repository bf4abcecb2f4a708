from services.stages.tables import metadata
from shared.migrations import run_env

run_env("stages", metadata)

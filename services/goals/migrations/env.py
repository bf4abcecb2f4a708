from services.goals.tables import metadata
from shared.migrations import run_env

run_env("goals", metadata)

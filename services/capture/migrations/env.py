from services.capture.tables import metadata
from shared.migrations import run_env

run_env("capture", metadata)

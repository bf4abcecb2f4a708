"""HTTP bodies of the enrichment API."""

from services.enrichment.schemas.directory import Company, DirectoryBody, DirectoryOut, read_directory
from services.enrichment.schemas.facts import FactsOut, SettingsBody
from services.enrichment.schemas.providers import ProviderBody, ProviderOut, ProvidersBody

__all__ = [
    "Company",
    "DirectoryBody",
    "DirectoryOut",
    "FactsOut",
    "ProviderBody",
    "ProviderOut",
    "ProvidersBody",
    "SettingsBody",
    "read_directory",
]

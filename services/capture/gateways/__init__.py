"""Libraries that capture uses for what it did not invent: addresses and countries, files of other programs."""

from services.capture.gateways.contact_details import OfflineContactNormaliser

__all__ = ["OfflineContactNormaliser"]

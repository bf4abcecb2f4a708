"""Calls out of the service: reference data of libraries, name servers, web servers, the process that reads pages."""

from services.enrichment.gateways.reference_data import country_code, phone_of, subject_of, zones

__all__ = ["country_code", "phone_of", "subject_of", "zones"]

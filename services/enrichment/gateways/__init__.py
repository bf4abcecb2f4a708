"""Calls out of the service: reference data of libraries, name servers, web servers, the process that reads pages."""

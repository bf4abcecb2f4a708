"""Queries on sequences, enrolments, their steps, jobs and figures."""

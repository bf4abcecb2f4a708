"""Use cases of sending: attempts, their outcomes, status reports on SMS, used-up channels."""

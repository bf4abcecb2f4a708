"""Use cases of sequences: definitions, enrolments and their ends, steps, interruptions, jobs, the preview."""

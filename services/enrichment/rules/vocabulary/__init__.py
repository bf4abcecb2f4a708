"""The words of job titles in several languages: one module for seniority, one for the department.

`|` separates the languages: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish and Czech, Nordic.
Words are written in lower case and without accents. `*` matches any letters: `*leiter*` finds Vertriebsleiterin. The
first level or department that matches wins, so the order is part of the rules: a vice president is not a president.
"""

from services.enrichment.rules.vocabulary.department import DEPARTMENT
from services.enrichment.rules.vocabulary.seniority import SENIORITY

__all__ = ["DEPARTMENT", "SENIORITY"]

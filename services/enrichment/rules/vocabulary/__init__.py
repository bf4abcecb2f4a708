"""The words of job titles in the languages that leads write in: a module for seniority, one for the department.

Languages stand apart by `|`: English, German, French, Spanish, Italian, Portuguese, Dutch, Polish and Czech, Nordic.
Words are without accents and capitals. `*` stands for any letters: `*leiter*` finds the Vertriebsleiterin. What stands
first wins, so the order is part of the rules: a vice president is no president, a product owner owns nothing.
"""

from services.enrichment.rules.vocabulary.department import DEPARTMENT
from services.enrichment.rules.vocabulary.seniority import SENIORITY

__all__ = ["DEPARTMENT", "SENIORITY"]

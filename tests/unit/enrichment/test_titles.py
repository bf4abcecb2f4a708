import pytest

from services.enrichment.rules.titles import department, seniority

TITLES = """
Head of Marketing                       | head     | marketing
Leiterin Vertrieb                       | head     | sales
Vertriebsleiter DACH                    | head     | sales
Geschäftsführer                         | c_level  | management
Geschaeftsfuehrende Gesellschafterin    | owner    | management
Assistentin der Geschäftsführung        | staff    | management
Executive Assistant to the CEO          | staff    | management
CEO & Founder                           | owner    | management
Chief Executive Officer                 | c_level  | management
Chief Human Resources Officer           | c_level  | hr
CTO                                     | c_level  | engineering
CFO                                     | c_level  | finance
VP Sales                                | vp       | sales
Vice President, Engineering             | vp       | engineering
President                               | c_level  | management
Product Owner                           | staff    | product
Software Engineer                       | staff    | engineering
Senior Software Developer               | senior   | engineering
Junior Developer                        | junior   | engineering
International Sales Manager             | manager  | sales
Product Marketing Manager               | manager  | marketing
Data Protection Officer                 | staff    | legal
Student                                 | student  | None
Werkstudent Marketing                   | student  | marketing
Praktikantin Personalabteilung          | intern   | hr
Teamleiterin Kundenservice              | manager  | support
IT-Leiter                               | head     | it
Einkäuferin                             | staff    | procurement
Buchhalterin                            | staff    | finance
Lehrer                                  | staff    | None
Directeur Général                       | c_level  | management
Directrice des ressources humaines      | director | hr
Responsable des achats                  | head     | procurement
Chef de projet                          | manager  | operations
Stagiaire                               | intern   | None
Director de Ventas                      | director | sales
Jefa de Compras                         | head     | procurement
Gerente General                         | c_level  | management
Amministratore Delegato                 | c_level  | management
Direttore Vendite                       | director | sales
Diretor Financeiro                      | director | finance
Sócio                                   | owner    | management
Eigenaar                                | owner    | management
Hoofd Inkoop                            | head     | procurement
Prezes Zarządu                          | c_level  | management
Kierownik działu IT                     | head     | it
Försäljningschef                        | head     | sales
""".strip().splitlines()


@pytest.mark.parametrize("line", TITLES, ids=lambda line: line.partition("|")[0].strip())
def test_a_title_gives_seniority_and_department(line: str) -> None:
    title, level, name = (part.strip() for part in line.split("|"))
    assert (seniority(title), str(department(title))) == (level, name)


@pytest.mark.parametrize("title", ["", "  ", "—", "42"])
def test_a_title_without_words_names_no_department(title: str) -> None:
    assert department(title) is None
    assert seniority(title) in (None, "staff")

"""The words for each level of seniority."""

SENIORITY: list[tuple[str, str]] = [
    (
        "student",
        """
        student, students, undergraduate, phd candidate, pupil
        | studentin, werkstudent*, schuler, schulerin, doktorand*
        | etudiant, etudiante, alternant, alternante
        | estudiante
        | studente, studentessa, dottorando
        | estudante
        | scholier
        | uczen, studentka
        | studerande, opiskelija
        """,
    ),
    (
        "intern",
        """
        intern, internship, trainee, apprentice
        | praktikant*, azubi*, auszubildend*, volontar*
        | stagiaire, apprenti*
        | becario, becaria, practicante, pasante
        | stagista, tirocinante, apprendista
        | estagiari*
        | stagiair
        | stazyst*, praktykant*
        | larling
        """,
    ),
    (
        "staff",
        """
        assistant to, assistant of, executive assistant, personal assistant, management assistant, product owner,
        process owner, business owner representative, office of the ceo
        | assistenz der, assistent der, assistentin der, assistenz geschaftsfuhrung, vorstandsassisten*
        | assistant de direction, assistante de direction
        | asistente de, secretari* de
        | assistente di, assistente del
        | assistente de, assistente da
        | directiesecretar*, directieassistent*
        | asystent*
        """,
    ),
    (
        "vp",
        """
        vice president, vicepresident, vp, svp, evp, avp
        | vizeprasident*
        | vice presidente, vicepresidente
        """,
    ),
    (
        "owner",
        """
        owner, co owner, founder, co founder, cofounder, proprietor, managing partner, equity partner
        | inhaber, inhaberin, mitinhaber*, grunder, grunderin, mitgrunder*, eigentumer*, gesellschafter*
        | fondateur, fondatrice, cofondateur, cofondatrice, proprietaire, gerant, gerante
        | fundador, fundadora, cofundador*, dueno, duena, propietari*, socio, socia
        | fondatore, fondatrice, titolare
        | proprietari*
        | eigenaar, oprichter, vennoot
        | wlasciciel*, zalozyciel*, majitel*
        | grundare, agare, indehaver, stifter, grunnlegger
        """,
    ),
    (
        "c_level",
        """
        ceo, cto, cfo, coo, cmo, cio, cro, cpo, cso, chro, ciso, cdo, cco, chief * officer, chief * * officer, chief
        executive, president, managing director, executive director, general director, chairman, chairwoman, chair
        of the board, board member
        | geschaftsfuhr*, geschaeftsfuehr*, vorstand, vorstandin, vorstands*, vorstandsvorsitz*, gf
        | pdg, dg, directeur general, directrice generale, president directeur
        | director general, directora general, gerente general, consejero delegado, consejera delegada, presidente
        | amministratore delegato, amministratrice delegata, amministratore unico, direttore generale
        | diretor geral, diretora geral, diretor executivo, diretora executiva, administrador
        | algemeen directeur, bestuurder
        | prezes*, dyrektor generalny, dyrektor zarzadzajacy, czlonek zarzadu, generalni reditel*
        | vd, verkstallande direktor, administrerende direktor, adm direktor, daglig leder, toimitusjohtaja
        """,
    ),
    (
        "director",
        """
        director, dir, chief of staff, chief *
        | direktor, direktorin, *direktor, *direktorin, prokurist*
        | directeur, directrice
        | directora
        | direttore, direttrice
        | diretor, diretora
        | adjunct directeur
        | dyrektor*, reditel*
        | johtaja, direktor*
        """,
    ),
    (
        "manager",
        """
        team lead, team leader, tech lead, project lead, project manager, product manager
        | teamleit*, projektleit*, schichtleit*, filialleit*, gruppenleit*, marktleit*, stellvertret* leiter*
        | chef de projet, cheffe de projet, chef d equipe
        | jefe de proyecto, jefa de proyecto
        | capo progetto, capoprogetto
        | gerente de projeto*
        | teamleider, projectleider
        | kierownik projektu, vedouci projektu
        | projektledare, projektleder, prosjektleder
        """,
    ),
    (
        "head",
        """
        head, group head, lead of
        | *leiter, *leiterin, *leitung, leiter*, *chef, *chefin, *vorsteher
        | responsable des, responsable du, responsable de la, chef du, chef des, chef de service, cheffe de service
        | jefe, jefa, director de area
        | capo, responsabile
        | chefe, chefe de
        | hoofd, afdelingshoofd
        | kierownik dzialu, vedouci
        | avdelingsleder, afdelingschef, avdelningschef, paallikko
        """,
    ),
    (
        "manager",
        """
        manager, managers, mgr, management, supervisor, lead, leader, coordinator, principal consultant
        | managerin, koordinator*, fuhrungskraft
        | responsable, gestionnaire, coordinateur, coordinatrice
        | gerente, encargad*, coordinador*
        | coordinatore, coordinatrice
        | coordenador*, supervisor*
        | coordinator, bedrijfsleider
        | kierownik*, menedzer*, manazer*
        | ansvarlig, samordnare, leder
        """,
    ),
    (
        "senior",
        """
        senior, sr, principal, staff engineer, expert, architect, advisor
        | architekt*, experte, expertin, leitend*, oberarzt*, referatsleiter
        | expert, architecte, confirme
        | experto, experta, arquitect*
        | esperto, esperta, architetto
        | especialista senior, arquitet*
        | starszy, ekspert*
        """,
    ),
    (
        "junior",
        """
        junior, jr, assistant, entry level, associate
        | assistent, assistentin, berufseinsteiger*, aushilfe
        | debutant*, adjoint, adjointe
        | auxiliar, asistente
        | ausiliare, assistente
        | ajudante
        | medewerker junior
        | mlodszy
        """,
    ),
]

"""The words for each department."""

DEPARTMENT: list[tuple[str, str]] = [
    (
        "marketing",
        """
        marketing, marketer, cmo, brand, communications, communication, content, seo, sea, growth, demand
        generation, pr, public relations, social media, press
        | *marketing*, kommunikation*, offentlichkeitsarbeit, presse*, werbung, werbe*
        | communication, marque
        | mercadeo, comunicacion, publicidad
        | comunicazione, pubblicita
        | comunicacao, publicidade
        | communicatie
        | komunikac*, reklam*
        | markedsforing, marknad*, markedssjef, viestinta
        """,
    ),
    (
        "sales",
        """
        sales, seller, account executive, account manager, key account, business development, bdr, sdr, cro,
        revenue, presales
        | vertrieb*, verkauf*, verkauf*, kundenberat*, aussendienst*, *vertrieb
        | vente, ventes, vendeur, vendeuse, commercial, commerciale, commerciaux, technico commercial
        | ventas, vendedor*, comercial
        | vendite, venditore, commerciale
        | vendas, comercial
        | verkoop*, accountmanager
        | sprzedaz*, handlow*, obchod*, prodej*
        | salg, salgs*, forsaljning*, saljare, myynti*
        """,
    ),
    (
        "product",
        """
        product, products, product owner, cpo
        | produkt*, produktmanag*
        | produit, produits
        | producto, productos
        | prodotto
        | produto, produtos
        | produktowy
        """,
    ),
    (
        "procurement",
        """
        procurement, purchasing, purchase, buyer, buying, sourcing, supply chain
        | einkauf*, einkauf*, beschaffung*, disponent*
        | achat, achats, acheteur, acheteuse
        | compras, comprador*, adquisiciones
        | acquisti, buyer
        | inkoop*, inkoper
        | zakup*, nakup*
        | inkop*, indkob*, innkjop*, hankinta
        """,
    ),
    (
        "hr",
        """
        hr, human resources, people, talent, recruiter, recruiting, recruitment, chro
        | personalleit*, personalrefer*, personalabteil*, personalentwick*, personalchef*, personalwesen,
        personalverantwort*, personaler*
        | ressources humaines, rh, recrutement, drh
        | recursos humanos, rrhh, seleccion
        | risorse umane, personale
        | recrutamento
        | personeelszaken, personeel
        | kadr, kadry, personalni*
        | rekrytering, henkilosto
        """,
    ),
    (
        "finance",
        """
        finance, financial, cfo, accounting, accountant, controller, controlling, treasury, treasurer, audit,
        auditor, tax, bookkeep*
        | finanz*, buchhalt*, rechnungswesen, steuer*, kaufmannisch*
        | financier, financiere, finances, comptab*, daf
        | finanzas, financiero, financiera, contab*, contador*
        | finanza, amministrazione, contabil*
        | financas, financeir*
        | financien, boekhoud*
        | finans*, ksiegow*, ucetni*
        | ekonomi*, okonomi*, talous*
        """,
    ),
    (
        "legal",
        """
        legal, lawyer, counsel, attorney, compliance, paralegal, data protection, dpo
        | recht*, jurist*, justiziar*, anwalt*, rechtsanwalt*, datenschutz*
        | juridique, juriste, avocat*
        | juridico, abogad*
        | legale, avvocato
        | advogad*
        | juridisch
        | prawn*, pravni*
        | juridisk
        """,
    ),
    (
        "support",
        """
        support, customer success, customer service, customer care, helpdesk, help desk, service desk, customer
        experience
        | kundendienst*, kundenservice*, kundenbetreu*
        | service client, support client
        | atencion al cliente, soporte
        | assistenza clienti, servizio clienti
        | atendimento, suporte
        | klantenservice
        | obsluga klienta
        | kundeservice, kundtjanst
        """,
    ),
    (
        "research",
        """
        research, researcher, scientist, r d, professor, lecturer, laboratory, lab
        | forschung*, wissenschaft*, entwicklungsleit*, labor*, dozent*
        | recherche, chercheur, chercheuse, scientifique
        | investigacion, investigador*
        | ricerca, ricercatore
        | pesquisa*, investigacao
        | onderzoek*
        | badan, badaw*, vyzkum*
        | forskning, forsker, forskare
        """,
    ),
    (
        "design",
        """
        design, designer, ux, ui, creative, art director, graphic
        | gestalt*, grafik*, *designer*
        | graphiste, conception
        | disenador*, diseno
        | progettista grafico, grafico
        | grafisch
        | grafik, projektant graficzny
        """,
    ),
    (
        "it",
        """
        it, information technology, chief information, cio, ciso, information security, cyber security,
        cybersecurity, security, system
        administrator, systems administrator, sysadmin, infrastructure, network, digital, digitalisation,
        digitalization, erp, crm, cdo
        | edv, informatik*, systemadmin*, it*leiter*, digitalisier*, netzwerk*, informationstechnik
        | informatique, dsi, systemes d information, numerique
        | informatica, sistemas, tecnologias de la informacion
        | informatico, sistemi informativi
        | tecnologia da informacao, ti
        | automatisering, ict
        | informatyk*, informatyc*
        | tietohallinto
        """,
    ),
    (
        "engineering",
        """
        engineering, engineer, developer, development, software, cto, devops, data, programmer, architect,
        technology, technical, machine learning, qa, quality assurance, tester, full stack, backend, frontend
        | entwickl*, ingenieur*, technik*, technisch*, konstrukt*, programmier*, softwareentwickl*
        | ingenieur*, developpeur, developpeuse, technique, technicien*
        | ingenier*, desarroll*, programador*, tecnico, tecnica
        | ingegner*, sviluppatore, sviluppatrice, programmatore
        | engenh*, desenvolv*
        | ontwikkel*
        | inzynier*, programist*, vyvoj*
        | utvikler, utvecklare, udvikler, kehittaja
        """,
    ),
    (
        "operations",
        """
        operations, operation, operating, operational, coo, logistics, logistic, production, manufacturing,
        plant, warehouse,
        quality, facility, facilities, maintenance, office manager, process, project
        | betrieb*, produktion*, fertigung*, logistik*, lager*, werk*leit*, qualitat*, instandhalt*, projekt*,
        prozess*
        | exploitation, operations, logistique, production, qualite, usine, projet, projets
        | operaciones, logistica, produccion, calidad, planta, proyecto, proyectos
        | operazioni, produzione, qualita, stabilimento, progetto
        | operacoes, producao, qualidade, projeto*
        | operationeel, logistiek, productie
        | produkcj*, operacyjn*, vyrob*
        | drift, driftschef, produktionschef
        """,
    ),
    (
        "management",
        """
        ceo, chief executive, president, chairman, chairwoman, managing director, executive director, general
        manager, management, owner, co owner, founder, co founder, cofounder, proprietor, managing partner, business
        owner, board, strategy
        | geschaftsfuhr*, geschaeftsfuehr*, geschaftsleit*, vorstand*, inhaber*, grunder*, eigentumer*,
        gesellschafter*, gf, prokurist*
        | pdg, dg, directeur general, directrice generale, gerant*, fondateur, fondatrice, direction
        | director general, directora general, gerente general, gerente, consejero delegado, dueno, duena,
        propietari*, fundador*, socio, socia
        | amministratore*, titolare, fondatore, direttore generale
        | diretor geral, socio, proprietari*
        | eigenaar, oprichter, algemeen directeur, directeur
        | prezes*, wlasciciel*, zarzad*, majitel*, generalni reditel*
        | vd, daglig leder, indehaver, grundare, agare, toimitusjohtaja
        """,
    ),
]

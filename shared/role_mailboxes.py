"""Mailboxes of a role or a department, which several people read and write from (RFC 2142 names the English ones)."""

ROLE_MAILBOXES = frozenset(
    """
    abuse accounting accounts admin administracao administracion administratie administration administrator
    amministrazione anfrage angebot atencion-al-cliente atendimento auskunft bewerbung billing booking bookings
    buchhaltung buero bureau business buzon careers casilla clientes comercial commercial compliance compras compta
    comptabilite contabilidad contabilidade contabilita contact contact-us contacto contato contatti contatto
    customer-service customerservice datenschutz direccion direction direktion einkauf email empfang enquiries
    enquiry facturacion finance finanzen ftp geral gerencia hello help helpdesk hola hostmaster hr info informacion
    informacoes informatie informatik informazioni inkoop inquiries inquiry it jobs kantoor klantenservice kontakt
    kundendienst kundenservice legal mail mailbox marketing media moin news newsletter no-reply noc noreply office
    oficina order orders ordini ordres pedidos personal post postmaster prensa press presse privacidad privacy
    procurement purchasing qualite recepcion receptie reception recrutement reservas reservation reservations rh
    rrhh sales secretaria secretariat secretary security segreteria sekretariat service servicio serviciocliente
    shop soporte suporte support team tech technik uffici ufficio vendas ventas vente ventes verkauf verkoop
    vertrieb web webmaster welcome zentrale
    """.split()
)
"""Local parts in the seven languages of outreach, without digits or a country at the end (`info2`, `sales-de`)."""

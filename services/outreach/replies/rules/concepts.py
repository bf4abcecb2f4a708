"""Concepts: what a word means in replies, whichever of the seven languages it is in.

The reply model counts concepts beside words, so that what it learns from a Dutch refusal helps it with a Spanish one.
A concept decides nothing by itself.
"""

import re
import unicodedata
from functools import lru_cache

_WORDS = """
ME: i me my mine myself we us our ours im ive ill id were weve ich mich mir mein* wir uns unser* je j moi mon ma mes
  nous notre nos on yo me mi mis nosotros nos nuestr* eu meu minha meus minhas nos nosso nossa gente io mi mio mia
  miei noi nostr* ci ik mij mijn wij we ons onze
YOU: you your yours youre youve u ur sie ihr ihre ihren ihrem ihrer euch euer eure dir dich du vous votre vos tu te
  ton toi usted ustedes su sus le les tu te vos voce voces seu sua seus suas vossos vossa lhe lei suo sua vi voi
  vostr* jullie jouw je uw
NOT: not no nor none nothing never neither without cannot cant dont doesnt isnt wont nope nah kein keine keinen
  keinem keiner nicht nichts nie niemals nein ohne ne pas jamais rien aucun aucune non sans ni nunca nada ningun
  ninguna sin tampoco nao nem nenhum nenhuma sem niet geen nooit niks niets nee zonder mai niente nessun nessuna
  nessuno senza
NO_MORE: anymore no_longer any_more any_longer nicht_mehr nie_mehr ne_plus no_mas nunca_mas ya_no nao_mais ja_nao
  niet_meer geen_meer non_piu mai_piu never_again nie_wieder plus_jamais nooit_meer niet_langer
YES: yes yep yeah yup sure absolutely definitely certainly ja gern gerne jawohl klar natuerlich naturlich oui
  volontiers bien_sur si claro vale dale sim com_certeza certo volentieri graag prima zeker akkoord d_accord va_bene
  de_acuerdo okay ok
THANKS: thank* thanks thx cheers ta danke* dank vielen_dank merci gracias agradez* obrigad* grazie ringrazi* bedankt
  dankjewel remerci*
SORRY: sorry apolog* afraid unfortunately leider entschuldig* tut_mir_leid desole* malheureusement lo_siento lament*
  desafortunadamente desculp* infelizmente spiace mi_spiace purtroppo scusi scusate helaas spijt*
PLEASE: please pls plz bitte svp s_il_vous_plait por_favor porfa per_favore per_cortesia alsjeblieft alstublieft aub
  merci_de
INTEREST: interest* intrest* keen curious intrigued interess* intéress* appeal* tempted neugierig spannend reizvoll
  gustaria apetec* curios* benieuwd nieuwsgierig lijkt_me klingt sounds suena parece_bien
SEND: send sends sending forward share shoot schick* send* zuschick* senden ubersend* envoy* envoi* fais_parvenir
  transmet* mand* envi* enviar remit* hazme_llegar manda* inoltr* invi* spedi* stuur* sturen opsturen toestur*
  doorstur* zend*
OFFER: offer* quot* proposal proposals estimate angebot* offert* kostenvoranschlag devis proposition* oferta*
  cotiza* presupuest* propuesta* proposta* orcament* preventiv* offerte* voorstel*
MATERIAL: brochure* catalogue* catalog* deck pdf sample* specs spec datasheet datenblatt unterlagen prospekt*
  katalog* muster plaquette* fiche* documentation echantillon* folleto* catalogo* muestra* ficha* amostra* material*
  opuscolo depliant scheda campion* folder monster* infos info information* informazion* informacion* informacoes
  informatie
PRICE: price* pricing cost* fee fees rate rates budget* preis* kost* kosten tarif* prix cout* precio* coste* custo*
  custa preco* prezz* costa* prijs* prijzen kostet how_much wie_viel wieviel combien cuanto quanto hoeveel
  was_kostet
EXPENSIVE: expensive dear pricey teuer trop_cher cher caro cara caros duur too_much afford* unbezahlbar
MEET: meet* meeting call chat demo* visit appointment calendar slot zoom teams termin* treffen telefonat* gesprach
  besuch* videocall rendez_vous rdv reunion* reunia* cita visita* llamada* videollamada videochiamat* incontr*
  appuntamento appel afspraak bellen belletje langskomen kennismak* gesprek vorbeikommen vorbeischauen telefonieren
  agendar marcar conversar passer venir passare fissare afspreken lunch coffee kaffee cafe koffie
CALL: call* ring phone tel telefon* anruf* appel* llam* ligue ligar liga ligacao chiam* telefonat* bel bell* rappel*
  rufen anrufen sentir*
TIME_FREE: free available avail suits works_for fit passt pass_t frei dispo* disponi* me_va_bien me_viene convient
  arrange* libero libre livre schikt komt_uit uitkomt vrij beschikbaar van_bene
DAY: monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri montag* dienstag*
  mittwoch* donnerstag* freitag* samstag* sonntag* lundi mardi mercredi jeudi vendredi samedi dimanche lunes martes
  miercoles jueves viernes sabado domingo segunda terca quarta quinta sexta segunda-feira lunedi martedi mercoledi
  giovedi venerdi domenica maandag dinsdag woensdag donderdag vrijdag zaterdag zondag tomorrow demain manana amanha
  domani today heute hoy hoje oggi vandaag aujourd_hui
PART_OF_DAY: morning afternoon evening noon lunchtime vormittag* nachmittag* vormittags mittags matin matinee
  apres_midi tarde mattina mattinata pomeriggio ochtend middag 's_ochtends tardes mediodia
MONTH: january february march april may june july august september october november december januar februar marz
  maerz mai juni juli oktober dezember janvier fevrier mars avril juin juillet aout septembre octobre novembre
  decembre enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre janeiro
  fevereiro marco maio junho julho setembro outubro novembro dezembro gennaio febbraio aprile maggio giugno luglio
  settembre ottobre dicembre januari februari maart mei augustus jan feb aug sept oct nov dec
SEASON: spring summer autumn fall winter fruhjahr fruhling sommer herbst printemps ete automne hiver primavera
  verano otono invierno verao outono inverno estate autunno voorjaar lente zomer herfst najaar easter christmas
  ostern weihnacht* paques noel pascua navidad* natal pascoa pasqua natale pasen kerst*
PERIOD: week weeks month* quarter year* woche* monat* quartal* jahr* semaine* mois trimestre annee* an ans semana*
  mes meses ano anos settiman* mese mesi anno anni kwartaal maand* jaar jaren weken semestre halbjahr* q1 q2 q3 q4
  h1 h2 kw
NEXT: next nachste* kommende* naechste* prochain* proximo proxima prossim* volgend* komende que_viene que_vem dentro
LATER: later spater* spaeter plus_tard mas_adelante mas_tarde mais_tarde depois piu_avanti piu_tardi binnenkort
  for_now right_now at_the_moment momentan derzeit zurzeit en_ce_moment pour_l_instant por_ahora por_el_momento
  de_momento por_enquanto neste_momento per_ora al_momento per_il_momento voorlopig nu_even moment prematur*
  too_early zu_fruh trop_tot demasiado_pronto muy_pronto muito_cedo troppo_presto te_vroeg
AGAIN: again back nochmal* noch_mal nochmals erneut wieder a_nouveau de_nouveau rappele* relanc* recontact* revenez
  de_nuevo otra_vez volver vuelv* retom* de_novo volte volta risent* ricontatt* richiam* riparl* riscriv* nog_eens
  opnieuw weer terug terugkom* circle revisit revisar retomamos
AFTER: after once when until till nach sobald wenn bis apres quand lorsque jusqu despues cuando hasta apos quando
  ate dopo finche na zodra wanneer als tot passe pasad* terminad* finish* done abgeschlossen fertig afgerond klaar
BUSY: busy swamped snowed hectic underwater verbouw* rush crunch landunter stress* ausgelastet deborde* sous_l_eau
  liad* ocupad* a_tope atolad* corrid* impegnat* incasinat* druk drukte season* saison* temporada harvest* ernte*
  vendang* recolt* cosecha vendimia safra colheita vendemmia raccolto oogst* audit* umzug demenag* mudanza mudanca
  trasloc* verhuiz*
SUPPLIER: supplier* vendor* provider* contractor partner* lieferant* anbieter dienstleister fournisseur*
  prestataire* proveedor* fornecedor* fornitor* leverancier* aanbieder partij agency agentur agence agencia agenzia
  competitor* mitbewerb* concurrent* competencia concorrenz* konkurren*
HAVE_ALREADY: already bereits schon deja ya ja_temos ja_tenho gia al sorted covered versorgt eingedeckt equipe*
  cubiert* servid* a_posto apposto voorzien gesetzt happy zufrieden satisf* content* contento* contenti tevreden
  satisfeit* soddisfat* bediend
CHOSE: chose* chosen decid* opted signed went gone awarded entschieden vergeben abgeschlossen choisi opte signe
  retenu elegi* escog* firmad* contrat* optamos escolh* fech* scelt* deciso firmato gekozen besloten getekend
NEED: need* require* brauch* bedarf benotig* besoin* necesit* necesidad falta precis* necessi* bisogno serve
  ci_serve nodig behoefte hoeven
PASS: pass decline* declin* absage* absag* verzicht* refus* renonc* rechaz* descart* recus* dispens* rifiut*
  bedanken afzien passen suite
LUCK: luck success best_wishes all_the_best erfolg* viel_erfolg bonne_continuation bonne_chance suerte exito*
  sucesso boa_sorte fortuna buon_lavoro in_bocca succes veel_succes
REMOVE: remove* delete* erase* unsub* unsuscr* strike scrub purge wipe scratch drop loesch* losch* streich* entfern*
  austrag* abmeld* abbestell* supprim* retir* enlev* effac* desinscri* desabonn* radi* borr* elimin* quit* suprim*
  sac* saqu* baja desuscri* dad*_baja remov* apag* exclu* descadastr* tir* cancell* rimuov* rimoz* toglie* togli*
  elimin* disiscri* depenn* verwijder* schrap* uitschrijv* afmeld* wis wissen haal
LIST: list* mailing* database* distribution* newsletter* verteiler* liste* datenbank* adressliste kartei bestand
  listado* base_de_datos banco_de_dados base cadastro lista* elenc* rubrica mailinglijst lijst* adressenbestand
  records data daten donnees datos dados dati gegevens coordonnees
STOP: stop* cease* desist quit knock_it_off enough aufhoren hort hor_auf genug schluss reicht arret* cess* assez
  suffit ca_suffit basta bast* par* parem parar ya_esta chega cheg* smett* finit* piant* genoeg ophouden hou_op kap
CONTACT: contact* write* writing email* e-mail* mail* messag* text* txt spam* bother* pester* harass* schreib*
  anschreib* kontaktier* kontakt nachricht* belastig* stor* ecri* ecriv* ecrire sollicit* derang* relanc* harcel*
  contactar* escrib* molest* correo* mensaj* acos* escrev* mensag* contat* incomod* importun* scriv* contatt*
  disturb* tempest* messagg* mailen schrijf* schrijv* benader* lastig* berichten bericht
ALONE: alone peace ruhe tranquill* paix paz pace rust lose_my forget_my vergess* oubli* olvid* esquec* dimentic*
  vergeet
LEGAL: gdpr dsgvo rgpd lgpd avg lopd privacy datenschutz* anwalt* lawyer* solicitor* attorney avocat* abogad*
  advogad* avvocat* advoca* legal* rechtlich* article artikel art cnil aepd ico garante regulator* complain*
  beschwerd* plainte denunc* reclam* segnal* klacht* blocked block* blockier* bloqu* blocc* blokk* consent
  einwillig* consentement consentimiento consentimento consenso toestemming widersprech* widerspruch oppos* opon*
  abmahn* erasure
LEFT: left leaving resign* quit_the departed retired retire* redundan* laid_off let_go passed_away died deceased
  ausgeschieden verlassen ruhestand rente gekundigt gekuendigt verstorben gewechselt quitte* retraite licenci*
  demissio* depart parti deced* decede* jubil* dejado dejo fallec* despedid* saiu sai_da deixou deixei aposent*
  falec* deslig* lasciat* pension* andat*_via dimess* dimissioni decedut* scompars* licenziat* vertrokken pensioen
  overleden ontslag uit_dienst werkzaam tatig beschaftigt
WORK_HERE: works work work_here worked employee employed company firm arbeitet unternehmen firma betrieb travaill*
  entreprise societe boite trabaj* empresa trabalh* lavor* azienda societa ditta werkt bedrijf organisatie
NEW_JOB: new_role new_job new_position neue_stelle nouveau_poste nuevo_puesto nova_funcao novo_emprego
  nuovo_incarico nieuwe_baan moved_on
SUCCESSOR: successor replac* colleague* nachfolg* kolleg* collegue* successeur remplac* sucesor* companer* colega*
  reemplaz* sustitu* substitut* sucessor* collega* sostitu* subentr* opvolg* vervang* collega's
RESPONSIBLE: responsible charge handle* deals decides decide* zustandig* zustaendig* verantwort* entscheid*
  responsable* occupe* gere encarg* encargad* decid* responsavel cuida trata responsabil* occup* decide gestisc*
  verantwoordelijk ga_over gaat_over beslis* competent*
WRONG: wrong falsch* verkehrt mauvais* erreur trompe* equivoc* erra* engan* sbagli* errat* verkeerd* fout mistake*
  irrtum
PERSON: person number department dept desk nummer abteilung personne numero service persona departamento
  departament* pessoa setor ufficio reparto afdeling persoon
AWAY: away ooo out_of_office holiday* vacation* annual_leave leave off abwesen* urlaub* unterwegs dienstreise messe
  elternzeit mutterschutz krank* absen* conge* vacances deplacement maladie ausent* ausen* vacacion* viaje licencia
  permiso baja_medica ferias licenca viagem assen* ferie fuori malattia trasferta maternit* afwezig* vakantie verlof
  zwangerschap* ouderschap* sick paternity maternity travelling closed geschlossen betriebsferien ferme fermeture
  cerrad* fechad* chius* gesloten feiertag*
BACK: back return* zuruck retour rentre* reviens reprends regreso regres* vuelvo reincorpor* volto retorn* rientr*
  torno torner* terug reopen* erreichbar joignable
URGENT: urgent* dringend* urgence urgenc* spoed dringende
AUTO: automat* autom* autoresponder noreply no-reply do_not_reply unmonitored unattended ticket* case request
  reference vorgang* ticketnummer dossier demande solicitud* consulta* caso protocolo chamado richiesta pratica
  aanvraag melding received eingegangen erhalten recu reception recibid* recebemos ricevut* ontvangen bestatig*
  confirm* bevestig* bearbeit* traite* process* working_days business_days werktage* jours_ouvres dias_habiles
  dias_uteis giorni_lavorativi werkdagen read gelesen letto gelezen leido lida
QUESTION: how what which who where why when does do can could is are wie was welche* wer wo warum wann kann konnen
  comment quoi quel* qui ou pourquoi est_ce que como que cual* quien donde por_que cuando pode qual quem onde come
  cosa quale chi dove perche quando posso hoe wat welke wie waar waarom kan kunnen kunt
ADDRESS: address* adresse* direccion* endereco* indirizz* adres* postfach mailbox boite_mail buzon caixa casella
  postvak inbox
NAME_DROP: cc copy kopie copie copia spreek praat speak talk_to ask frag* wenden demand* pregunt* pergunt* chied*
  vraag addressez tournez dirija rivolg* wend
IRONY: another great wonderful congratulations gluckwunsch bravo enhorabuena parabens complimenti gefeliciteerd
  wieder_mal
START: start begin* go_ahead lets_do let_s legen anfangen loslegen commencer on_y_va empez* adelante comec* vamos
  procedere iniziamo partiamo beginnen starten doen einverstanden proceed* weiter weitermachen avanc*
TEST: test* trial* pilot* try probier* teste* essai* essay* prob* prueba* experimentar prova provare proef* proberen
CONTRACT: contract* vertrag* contrat contrato* contratto agreement renewal* verlanger* laufzeit looptijd
BOSS: boss manager director ceo owner chef chefin geschaftsfuhr* geschaeftsf* inhaber* direction patron* gerant*
  jefe jefa director* direccion gerente dueno chefe diretor* dono capo titolare direttor* direzione baas directeur
  directie eigenaar board vorstand team
"""


def _parsed() -> tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]]]:
    """The concepts of whole words and phrases, and those of beginnings of words."""
    whole: dict[str, list[str]] = {}
    beginnings: dict[str, list[str]] = {}
    concept = ""
    for item in _WORDS.split():
        if item.endswith(":"):
            concept = item[:-1]
            continue
        word = folded(item)
        if word.endswith("*"):
            beginnings.setdefault(word[:-1], []).append(concept)
        else:
            whole.setdefault(word.replace("_", " ").replace("*", ""), []).append(concept)
    return {word: tuple(found) for word, found in whole.items()}, {
        word: tuple(found) for word, found in beginnings.items()
    }


def any_of(*patterns: str, before: str = "", flags: int = 0) -> re.Pattern[str]:
    """A pattern that finds what any of these finds, each with `before` in front of it."""
    return re.compile("|".join(f"{before}(?:{pattern})" for pattern in patterns), flags)


def folded(text: str) -> str:
    """Text in lower case without accents; `ß` is `ss`."""
    if text.isascii():
        return text.lower()
    return "".join(each for each in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(each))


def folded_line(text: str) -> str:
    """Folded text in one line, with plain apostrophes: what patterns are searched in."""
    return " ".join(folded(text).replace("’", "'").split())


_WHOLE, _BEGINNINGS = _parsed()
_SHORTEST = min(map(len, _BEGINNINGS))
_LONGEST = max(map(len, _BEGINNINGS))


@lru_cache(maxsize=20_000)
def concepts_of(word: str) -> tuple[str, ...]:
    """The concepts of one folded word, or of a phrase of folded words with a space between them."""
    found = list(_WHOLE.get(word, ()))
    for length in range(_SHORTEST, min(len(word), _LONGEST) + 1):
        found += _BEGINNINGS.get(word[:length], ())
    return tuple(dict.fromkeys(found))


def phrase_concepts(phrase: str) -> tuple[str, ...]:
    """The concepts of two or three folded words with a space between them."""
    return _WHOLE.get(phrase.replace("'", " "), ())

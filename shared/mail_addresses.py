"""Mail addresses: of a person or a role, at a domain that is free, disposable, or owned by a company."""

import re

from shared.role_mailboxes import ROLE_MAILBOXES

_END_OF_ROLE = re.compile(r"([._-]?\d+|[._-][a-z]{2})\Z")

FREE = frozenset(
    """
    gmail.com googlemail.com icloud.com me.com mac.com proton.me protonmail.com protonmail.ch pm.me tutanota.com
    tutanota.de tuta.io tuta.com tutamail.com fastmail.com fastmail.fm hey.com zoho.com zohomail.com zohomail.eu
    mail.com email.com usa.com europe.com post.com consultant.com engineer.com hushmail.com inbox.com lycos.com
    mailfence.com runbox.com posteo.de posteo.net mailbox.org duck.com passport.com

    web.de freenet.de t-online.de arcor.de online.de email.de kabelmail.de vodafonemail.de gmx.de gmx.net gmx.at gmx.ch
    aon.at a1.net chello.at utanet.at bluewin.ch hispeed.ch sunrise.ch swissonline.ch

    orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr numericable.fr club-internet.fr voila.fr
    skynet.be telenet.be proximus.be scarlet.be

    libero.it virgilio.it alice.it tin.it tiscali.it inwind.it iol.it email.it fastwebnet.it tim.it poste.it
    telefonica.net terra.es ya.com movistar.es sapo.pt iol.pt clix.pt netcabo.pt mail.pt

    btinternet.com btopenworld.com sky.com virginmedia.com talktalk.net ntlworld.com blueyonder.co.uk tiscali.co.uk
    eircom.net

    ziggo.nl kpnmail.nl hetnet.nl planet.nl xs4all.nl home.nl upcmail.nl casema.nl quicknet.nl

    wp.pl o2.pl onet.pl onet.eu op.pl interia.pl interia.eu poczta.fm gazeta.pl tlen.pl vp.pl poczta.onet.pl
    seznam.cz centrum.cz email.cz post.cz atlas.cz volny.cz azet.sk zoznam.sk centrum.sk post.sk
    freemail.hu citromail.hu indamail.hu t-online.hu abv.bg mail.bg dir.bg yahoo.ro ukr.net i.ua meta.ua bigmir.net
    mail.ru inbox.ru list.ru bk.ru internet.ru yandex.ru yandex.com ya.ru rambler.ru lenta.ru autorambler.ru

    telia.com spray.se comhem.se bredband.net online.no getmail.no start.no mail.dk stofanet.dk jubii.dk
    luukku.com kolumbus.fi suomi24.fi elisanet.fi inbox.lv mail.ee one.lt

    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com netzero.net
    optonline.net roadrunner.com frontier.com windstream.net shaw.ca rogers.com sympatico.ca bell.net telus.net
    videotron.ca

    uol.com.br bol.com.br terra.com.br ig.com.br globo.com globomail.com oi.com.br r7.com prodigy.net.mx
    fibertel.com.ar speedy.com.ar ciudad.com.ar

    bigpond.com bigpond.net.au optusnet.com.au iinet.net.au tpg.com.au xtra.co.nz

    qq.com 163.com 126.com yeah.net sina.com sina.cn sohu.com foxmail.com 139.com 189.cn aliyun.com
    naver.com daum.net hanmail.net nate.com kakao.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com
    rediffmail.com indiatimes.com sify.com walla.co.il walla.com netvision.net.il mynet.com
    """.split()
)

FAMILIES = frozenset("yahoo ymail rocketmail hotmail outlook live msn aol gmx windowslive googlemail".split())
"""Names of free mail providers under many endings: yahoo.co.uk, hotmail.fr."""

DISPOSABLE = frozenset(
    """
    mailinator.com mailinator.net mailinator2.com binkmail.com bobmail.info chammy.info devnullmail.com
    letthemeatspam.com mailinater.com notmailinator.com reallymymail.com reconmail.com safetymail.info
    sendspamhere.com sogetthis.com spamherelots.com streetwisemail.com suremail.info thisisnotmyrealemail.com
    tradermail.info veryrealemail.com zippymail.info guerrillamail.com guerrillamail.net guerrillamail.org
    guerrillamail.biz guerrillamail.de guerrillamailblock.com grr.la sharklasers.com pokemail.net spam4.me
    10minutemail.com 10minutemail.net 10minutemail.de 10minutemail.co.uk 20minutemail.com 20minutemail.it
    30minutemail.com 60minutemail.com minutemail.com temp-mail.org temp-mail.io temp-mail.ru tempmail.com
    tempmail.net tempmail.de tempmail.dev tempmail.plus tempmailo.com tempmailaddress.com tempail.com
    tempinbox.com tempomail.fr temporaryemail.net temporaryinbox.com temporarymail.com tempr.email
    throwawaymail.com throwaway.email throwam.com trashmail.com trashmail.net trashmail.de trashmail.me
    trashmail.org trashmail.at trash-mail.com trash-mail.de trash-me.com trashymail.com trbvm.com yopmail.com
    yopmail.fr yopmail.net yopmail.org cool.fr.nf jetable.fr.nf jetable.org jetable.net jetable.com nospam.ze.tc
    nomail.xl.cx mega.zik.dj speed.1s.fr courriel.fr.nf moncourrier.fr.nf monemail.fr.nf monmail.fr.nf
    getairmail.com getnada.com nada.email nada.ltd abyssmail.com boximail.com clrmail.com dropjar.com
    getmule.com givmail.com inboxbear.com robot-mail.com tafmail.com vomoto.com zetmail.com maildrop.cc
    mailnesia.com mailcatch.com mailnull.com mailsac.com mailtemp.info mailtemporaire.com mailtemporaire.fr
    mail-temporaire.fr mail-temporaire.com mailexpire.com mailforspam.com mailfreeonline.com mailimate.com
    mailmoat.com mailpoof.com mailshell.com mailslapping.com mailtothis.com mailzilla.com mail.tm
    dispostable.com disposableinbox.com disposable.com disposeamail.com discard.email discardmail.com
    discardmail.de spambog.com spambog.de spambog.ru spambox.us spamcero.com spamex.com spamfree24.org
    spamfree24.com spamgourmet.com spamhole.com spaml.com spaml.de spammotel.com spamobox.com spamspot.com
    spamthis.co.uk fakeinbox.com fakemail.net fakemailgenerator.com fake-mail.net armyspy.com cuvox.de
    dayrep.com einrot.com fleckens.hu gustr.com jourrapide.com rhyta.com superrito.com teleworm.us
    emailondeck.com emailtemporanea.com emailtemporanea.net emailfake.com email-fake.com generator.email
    emkei.cz incognitomail.com incognitomail.org inboxalias.com inboxkitten.com kasmail.com klzlk.com
    kurzepost.de lroid.com meltmail.com mintemail.com moakt.com moakt.co moakt.ws moakt.cc mohmal.com mohmal.in
    mt2014.com mytemp.email mytrashmail.com mytempemail.com nowmymail.com objectmail.com onewaymail.com
    oneoffemail.com owlymail.com proxymail.eu rcpt.at sofort-mail.de sneakemail.com shortmail.net smashmail.de
    snakemail.com sute.jp tmail.ws tmailinator.com tmpmail.net tmpmail.org tmpeml.com tyldd.com wegwerfmail.de
    wegwerfmail.net wegwerfmail.org wegwerfemail.de wegwerfadresse.de wegwerf-email.de einwegmail.de byom.de
    muell.email muellmail.com muell.icu anonbox.net anonymbox.com antispam.de burnermail.io burner.email
    crazymailing.com cock.li deadaddress.com despam.it dodgit.com dodgeit.com e4ward.com easytrashmail.com
    ephemail.net filzmail.com gishpuppy.com great-host.in harakirimail.com hidemail.de hmamail.com hulapla.de
    ieatspam.eu imgof.com instant-mail.de linshiyouxiang.net luxusmail.org minuteinbox.com dropmail.me
    10mail.org emltmp.com yomail.info zeroe.ml vpn.st 1secmail.com 1secmail.net 1secmail.org esiix.com wwjmp.com
    xojxe.com yoggm.com kzccv.com qiott.com
    """.split()
)

_SECOND_LEVEL = frozenset("ac co com edu gob gov gouv gv ltd me ne net nom or org plc sch".split())

_GENERIC_TLDS = frozenset("ai app cc co eu fm gg im io is la ly me sh so st to tv ws".split())
"""Two-letter endings that are used in all countries, and so do not indicate one."""


def domain_of(email: str | None) -> str | None:
    """The domain of an e-mail address in lower case; None if it has no domain."""
    _, at, domain = (email or "").rpartition("@")
    domain = domain.strip().rstrip(".").lower()
    return domain if at and "." in domain else None


def registrable(host: str) -> str:
    """The domain that a company registers, in Unicode: `acme.co.uk` for `shop.acme.co.uk`."""
    labels = [_readable(label) for label in host.lower().rstrip(".").split(".")]
    keep = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL else 2
    return ".".join(labels[-keep:])


def _readable(label: str) -> str:
    """A label in Unicode: `münchen` for `xn--mnchen-3ya` (IDNA, RFC 3490). One that cannot be decoded is unchanged."""
    try:
        return label.encode("ascii").decode("idna") if label.startswith("xn--") else label
    except UnicodeError:
        return label


def is_disposable(domain: str) -> bool:
    """Whether the domain, or a parent of it, offers throw-away addresses."""
    return bool(_with_parents(domain) & DISPOSABLE)


def is_free(domain: str) -> bool:
    """Whether anybody can get an address there, so that the domain does not identify a company."""
    labels = domain.split(".")
    family = labels[0] in FAMILIES and (len(labels) == 2 or (len(labels) == 3 and len(labels[-1]) == 2))
    return family or bool(_with_parents(domain) & FREE) or is_disposable(domain)


def is_role_mailbox(email: str) -> bool:
    """Whether the address is a role's or a department's, such as info@, so that several people may stand behind it."""
    local = email.partition("@")[0].partition("+")[0].casefold()
    return local in ROLE_MAILBOXES or _END_OF_ROLE.sub("", local) in ROLE_MAILBOXES


def country_of_domain(domain: str) -> str | None:
    """The ISO 3166 code of a national ending; None for endings that are used in all countries."""
    ending = domain.rpartition(".")[2]
    if len(ending) != 2 or ending in _GENERIC_TLDS:
        return None
    return "GB" if ending == "uk" else ending.upper()


def _with_parents(domain: str) -> set[str]:
    labels = domain.split(".")
    return {".".join(labels[start:]) for start in range(len(labels) - 1)}

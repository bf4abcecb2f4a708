"""Hosts that many companies and people share: such a host does not say whose page or mailbox it is.

A short list of the usual ones. The private section of the Public Suffix List has more of them, and lacks the social
networks and all others that tell their users apart by the path.
"""

SOCIAL = {
    "linkedin.com": "linkedin",
    "xing.com": "xing",
    "facebook.com": "facebook",
    "instagram.com": "instagram",
    "x.com": "x",
    "twitter.com": "x",
    "youtube.com": "youtube",
    "github.com": "github",
    "mastodon.social": "mastodon",
    "tiktok.com": "tiktok",
    "crunchbase.com": "crunchbase",
}
"""Hosts of social networks: a page of theirs is no company's own website."""

_BY_PATH = frozenset(
    """
    google.com goo.gl g.page g.co forms.gle linktr.ee about.me beacons.ai bio.link bit.ly tinyurl.com t.co lnkd.in
    fb.com fb.me m.me t.me telegram.me wa.me whatsapp.com youtu.be vimeo.com medium.com pinterest.com reddit.com
    threads.net bsky.app snapchat.com behance.net dribbble.com gitlab.com bitbucket.org wikipedia.org calendly.com
    yelp.com tripadvisor.com trustpilot.com indeed.com glassdoor.com kununu.com wellfound.com amazon.com amazon.de
    ebay.com ebay.de etsy.com
    """.split()
)
"""Hosts where each path is somebody else's, as in social networks."""

_BY_NAME = frozenset(
    """
    wixsite.com wixstudio.com wixstudio.io editorx.io wordpress.com blogspot.com weebly.com weeblysite.com
    squarespace.com square.site myshopify.com jimdo.com jimdofree.com jimdosite.com webnode.com webnode.page
    webflow.io strikingly.com mystrikingly.com godaddysites.com site123.me business.site ueniweb.com yolasite.com
    webs.com tilda.ws ucoz.ru narod.ru e-monsite.com over-blog.com canalblog.com bigcartel.com zohosites.com
    odoo.com teachable.com thinkific.com carrd.co notion.site canva.site framer.website framer.app tumblr.com
    substack.com medium.com ghost.io hs-sites.com hubspotpagebuilder.com github.io gitlab.io netlify.app vercel.app
    pages.dev workers.dev herokuapp.com web.app firebaseapp.com appspot.com run.app onrender.com fly.dev
    azurewebsites.net azurestaticapps.net cloudfront.net amazonaws.com onmicrosoft.com sharepoint.com uk.com us.com
    de.com eu.com gb.net br.com
    """.split()
)
"""Hosts where each name below is somebody else's; the host itself is the site builder's own."""


def social_network(host: str) -> str | None:
    """The name of the network that a host belongs to."""
    name = ".".join(host.lower().rstrip(".").split(".")[-2:])
    return SOCIAL.get(name)


def is_shared_by_path(host: str) -> bool:
    """Whether the pages of a host, or of one below it, belong to many: whose they are is said by the path alone."""
    return social_network(host) is not None or not _BY_PATH.isdisjoint(_parents(host, start=0))


def is_shared_by_name(host: str) -> bool:
    """Whether a host is one of those that a site builder gives away: its registrable domain is the builder's."""
    return not _BY_NAME.isdisjoint(_parents(host, start=1))


def is_shared(host: str) -> bool:
    """Whether a host does not identify the company whose page it has."""
    return is_shared_by_path(host) or is_shared_by_name(host)


def _parents(host: str, *, start: int) -> list[str]:
    """The names that a host is below; with `start` 0 also its own."""
    labels = host.lower().rstrip(".").removeprefix("www.").split(".")
    return [".".join(labels[at:]) for at in range(start, len(labels) - 1)]

"""The gateways of replies: mail servers by IMAP."""

from services.outreach.replies.gateways.imap import FetchedMail, ImapSession, Selected

__all__ = ["FetchedMail", "ImapSession", "Selected"]

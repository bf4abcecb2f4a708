"""How events are read and published: batches, one transaction, an outbox, one relay (docs/decisions/messaging-*.md)."""

from shared.messaging.consumer import Consumer
from shared.messaging.processing import Handle, Refuse
from shared.messaging.relay import Relay

__all__ = ["Consumer", "Handle", "Refuse", "Relay"]

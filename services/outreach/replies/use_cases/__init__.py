"""Use cases of replies: receiving messages, labelling replies."""

"""The pipeline as the frameworks' own documentation shows it, with their defaults.

One message at a time, a pydantic model as argument and as result, `@broker.publisher` for the next event
(https://faststream.ag2.ai/latest/getting-started/publishing/decorator/), one SQLModel session from a dependency and for
each message `add`, `commit`, `refresh` (https://sqlmodel.tiangolo.com/tutorial/fastapi/session-with-dependency/, in its
asynchronous form, which is faster here). It has the same rules and tables as ours, but no outbox, no inbox, no order of
a lead's events and no row-level security, which these pages do not mention.

`LEADFLOW_BENCH_ACK=each` acknowledges each message after it was processed, as
https://faststream.ag2.ai/latest/kafka/ack/ recommends against message loss; `first` is the framework's default.
"""

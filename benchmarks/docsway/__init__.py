"""The way the frameworks' own documentation shows it, with their defaults.

One message at a time, a pydantic model as the argument and the answer, `@broker.publisher` for what follows
(https://faststream.ag2.ai/latest/getting-started/publishing/decorator/), one SQLModel session from a dependency and for
each message `add`, `commit`, `refresh` (https://sqlmodel.tiangolo.com/tutorial/fastapi/session-with-dependency/, in its
asynchronous form, which is faster here). The same rules and tables as ours; no outbox, no inbox, no order of a lead's
events, no row-level security: none of these pages speaks of them.

`LEADFLOW_BENCH_ACK=each` acknowledges each message after it was handled, as
https://faststream.ag2.ai/latest/kafka/ack/ shows it for who wants to lose none; `first` is the framework's default.
"""

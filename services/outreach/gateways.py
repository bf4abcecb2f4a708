"""The client of the language model: any OpenAI-compatible endpoint."""

import asyncio
from dataclasses import dataclass

import structlog

log = structlog.get_logger()

MAX_ANSWER_TOKENS = 900


@dataclass(frozen=True, slots=True)
class Answer:
    """The model's answer, and the tokens that it cost."""

    text: str
    tokens: int


class ModelUnavailable(Exception):
    """No answer in time, or none at all. The message contains nothing of the request."""


class LanguageModel:
    """One endpoint and model. `timeout`: seconds for the whole call, with the client's retries inside it.

    The client's own timeout applies to each read: a server that sends a byte now and then would never reach it.
    """

    def __init__(self, base_url: str, api_key: str, model: str, *, timeout: float, retries: int = 1) -> None:
        import openai  # it takes a second, which a service without a model does not spend

        self.model = model
        self._timeout = timeout
        self._refusals = (openai.OpenAIError, TimeoutError)
        self._client = openai.AsyncOpenAI(
            base_url=base_url, api_key=api_key or "none", timeout=timeout, max_retries=retries
        )

    async def ask(self, messages: list[dict[str, str]]) -> Answer:
        """The model's answer. Raises ModelUnavailable when there is none."""
        try:
            made = await asyncio.wait_for(self._create(messages), self._timeout)
        except self._refusals as error:
            raise ModelUnavailable(type(error).__name__) from None
        except (AttributeError, TypeError, ValueError) as error:
            # the client does not validate what it receives: an answer of another shape fails here
            raise ModelUnavailable(f"not an answer: {type(error).__name__}") from None
        text = _text_of(made)
        usage = getattr(made, "usage", None)
        tokens = getattr(usage, "total_tokens", None)
        return Answer(text, tokens if isinstance(tokens, int) else len(str(messages)) // 4 + len(text) // 4)

    async def _create(self, messages: list[dict[str, str]]) -> object:
        return await self._client.chat.completions.create(
            model=self.model,
            messages=messages,  # type: ignore[arg-type]
            temperature=0.4,
            max_tokens=MAX_ANSWER_TOKENS,
        )

    async def close(self) -> None:
        await self._client.close()


def _text_of(made: object) -> str:
    choices = getattr(made, "choices", None)
    message = getattr(choices[0], "message", None) if isinstance(choices, list) and choices else None
    content = getattr(message, "content", None)
    return content if isinstance(content, str) else ""

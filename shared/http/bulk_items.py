"""Items of a bulk request: each is read by itself, so that a wrong one costs no other."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import Invalid, LeadflowError, NotFound
from shared.events.envelope import errors_of
from shared.http.problems import sentence_of

M = TypeVar("M", bound=BaseModel)


def read_item(model: type[M], item: Mapping[str, Any], id_field: str, missing: str) -> M | LeadflowError:
    """The item, or the error that refuses it: NotFound with the text `missing` where its id is no id, else Invalid."""
    try:
        return model.model_validate(item)
    except ValidationError as error:
        problems = errors_of(error)
    if any(problem["field"] == id_field for problem in problems):
        return NotFound(missing)
    return Invalid(sentence_of(problems))


def named(item: Mapping[str, Any], id_field: str) -> str | None:
    """What an item gives as its id; None for what is no text that an answer can hold."""
    id = item.get(id_field)
    return id if isinstance(id, str) and id.isprintable() else None

"""`leadflow replies train`: it shows both models' figures and asks before the trained one takes over."""

import pytest
from typer.testing import CliRunner

from cli import replies
from services.outreach.replies.training.adaptation import Comparison, Figures
from services.outreach.replies.use_cases.model_training import TrainedModel

TRAINED = TrainedModel(b"model", Comparison(24, Figures(0.5, 0.6, 0.7, 0.02), Figures(0.8, 0.9, 1.0, 0.01)))


@pytest.fixture
def acts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done with the database, in order."""
    done: list[str] = []

    async def train(database: object, tenant: str) -> TrainedModel:
        done.append(f"train {tenant}")
        return TRAINED

    async def use(database: object, tenant: str, trained: TrainedModel) -> None:
        done.append(f"use {tenant}")

    async def shipped(database: object, tenant: str) -> bool:
        done.append(f"shipped {tenant}")
        return True

    def with_database(service: str, data: object, act) -> object:
        import asyncio

        return asyncio.run(act(None, {}))

    monkeypatch.setattr(replies, "_train", train)
    monkeypatch.setattr(replies, "_use", use)
    monkeypatch.setattr(replies, "_use_shipped", shipped)
    monkeypatch.setattr(replies, "with_database", with_database)
    return done


def run(*words: str, answer: str = "") -> str:
    result = CliRunner().invoke(replies.app, ["train", "--tenant", "acme", *words], input=answer)
    assert result.exit_code == 0, result.output
    return result.output


def test_it_shows_both_models_and_changes_nothing_on_no(acts: list[str]):
    output = run(answer="n\n")
    assert "macro-F1                        0.500    0.800" in output
    assert "Nothing was changed." in output
    assert acts == ["train acme"]


def test_without_an_answer_nothing_is_changed(acts: list[str]):
    assert "Nothing was changed." in run(answer="\n")
    assert acts == ["train acme"]


@pytest.mark.parametrize(("words", "answer"), [((), "y\n"), (("--yes",), "")])
def test_on_yes_the_trained_model_takes_over(acts: list[str], words: tuple[str, ...], answer: str):
    assert "labels the replies of acme from now on" in run(*words, answer=answer)
    assert acts == ["train acme", "use acme"]


def test_the_way_back_trains_nothing(acts: list[str]):
    assert "The shipped model labels the replies of acme." in run("--back-to-shipped")
    assert acts == ["shipped acme"]

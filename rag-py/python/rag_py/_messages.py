"""The dicts that options hold."""

from typing import Literal, Sequence, TypedDict


class Message(TypedDict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


class Example(TypedDict):
    """A question answered the way answers should be."""

    passages: Sequence[str]
    question: str
    answer: str

"""Guards, masking, saved conversations and explanations."""

import json

import pytest
from conftest import BRIDGE

from rag_py import errors, types


def test_a_refusal_is_an_answer(qa):
    for options, guard in [
        ({"deny": ["v\u00e9lden"]}, "deny"),
        ({"allow": ["ferry"]}, "allow"),
        ({"max_question_chars": 5}, "length"),
        ({"topics": ["How do I bake bread?"], "topic_min": 0.9}, "topic"),
        ({"off_topics": [BRIDGE]}, "off_topic"),
    ]:
        answer = qa.ask(BRIDGE, **options)
        assert (answer.outcome, answer.found, answer.reason) == ("refused", False, None)
        assert answer.refusal["guard"] == guard and answer.refusal["reason"]
        assert answer.refusal.keys() == types.Refusal.__annotations__.keys()
        assert repr(answer) == f"Answer(found=False, outcome='refused', guard='{guard}')"
    answer = qa.ask(BRIDGE, deny=[], mask=False)
    assert (answer.outcome, answer.refusal, answer.masked) == ("answered", None, None)
    with pytest.raises(errors.InvalidArgumentError, match="unclosed group"):
        qa.ask(BRIDGE, deny=["(a"])
    with pytest.raises(errors.InvalidArgumentError, match="mask"):
        qa.ask(BRIDGE, mask="everything")


def test_personal_data_is_masked(qa):
    answer = qa.ask(f"I am jo@site.example. {BRIDGE}", mask=True, explain=True, abstain="never")
    assert answer.masked["question"]["email"] == 1
    assert answer.masked.keys() == types.Masked.__annotations__.keys()
    assert answer.masked["answer"].keys() == types.MaskCounts.__annotations__.keys()
    assert "I am [EMAIL]." in answer.trace["prompt"] and "jo@site" not in json.dumps(answer.to_dict())


def test_a_stream_waits_for_the_guard_on_answers(qa):
    with qa.ask(BRIDGE, stream=True, deny_answer=["18[0-9]+"]) as stream:
        assert list(stream) == [] and stream.answer.refusal["guard"] == "deny_answer"


def test_a_chat_is_saved_resumed_and_answered_again(qa):
    chat = qa.chat(max_new_tokens=48, abstain="never")
    with pytest.raises(errors.InvalidArgumentError, match="nothing was said"):
        chat.regenerate(1)
    chat.say(BRIDGE)
    resumed = qa.resume(chat.save(), max_new_tokens=48, abstain="never")
    assert resumed.history == chat.history and len(chat.history) == 2
    assert resumed.regenerate(3).text == chat.regenerate(3, stream=True).answer.text
    assert len(resumed.history) == 2 and resumed.save() == chat.save()
    with pytest.raises(errors.InvalidArgumentError, match="saved chat"):
        qa.resume("[]")


def test_an_answer_explains_itself(qa):
    answer = qa.ask(BRIDGE, explain=True)
    budget = answer.trace["budget"]
    assert budget.keys() == types.Budget.__annotations__.keys()
    assert budget["prompt_tokens"] == answer.timings["prompt_token_count"]
    page = answer.explain_html()
    assert page.startswith("<!DOCTYPE html>") and 'href="#cited-1"' in page and "<script" not in page

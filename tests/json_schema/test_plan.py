"""What `kubectl rollback plan -o json` prints is what docs/schemas/plan.json describes.

The two documents beside this file are held equal to the plugin's output by its unit tests.
"""

import copy
import json
import pathlib

import jsonschema
import pytest

HERE = pathlib.Path(__file__).parent
SCHEMA = json.loads((HERE.parent.parent / "docs/schemas/plan.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def output(name):
    return json.loads((HERE / name).read_text())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", ["plan.json", "plan-without.json"])
def test_outputs_are_valid(name):
    VALIDATOR.validate(output(name))


def test_every_field_of_the_output_is_described():
    described = set(SCHEMA["properties"])
    assert set(output("plan.json")) == described


@pytest.mark.parametrize(
    "break_it",
    [
        lambda plan: plan.pop("items"),
        lambda plan: plan.update(phase="Done"),
        lambda plan: plan["plan"].update(actions="3"),
        lambda plan: plan["items"][0].update(disposition="Perhaps"),
        lambda plan: plan["items"][0].pop("permissionSet"),
        lambda plan: plan["items"][0].update(account="12"),
    ],
)
def test_other_shapes_are_not(break_it):
    plan = copy.deepcopy(output("plan.json"))
    break_it(plan)
    assert not VALIDATOR.is_valid(plan)

"""What `kubectl rollback report -o json` prints is what docs/schemas/report.json describes.

The document beside this file is held equal to the plugin's output by its unit tests.
"""

import copy
import json
import pathlib

import jsonschema
import pytest

HERE = pathlib.Path(__file__).parent
SCHEMA = json.loads((HERE.parent.parent / "docs/schemas/report.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
REPORT = json.loads((HERE / "report.json").read_text())


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_the_output_is_valid():
    VALIDATOR.validate(REPORT)
    assert set(REPORT) == set(SCHEMA["properties"])


@pytest.mark.parametrize(
    "break_it",
    [
        lambda report: report.pop("keys"),
        lambda report: report.update(phase="Done"),
        lambda report: report["keys"][0].update(outcome="Perhaps"),
        lambda report: report["keys"][0].pop("item"),
        lambda report: report["asked"].update(records="all"),
        lambda report: report["plan"].update(actions="3"),
    ],
)
def test_other_shapes_are_not(break_it):
    report = copy.deepcopy(REPORT)
    break_it(report)
    assert not VALIDATOR.is_valid(report)

"""The JSON of the commands against their schemas (docs/schema)."""

import functools
import json
import pathlib

import jsonschema

FOLDER = pathlib.Path(__file__).parents[2] / "docs" / "schema"


@functools.cache
def validator(name):
    return jsonschema.Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text("utf-8")))


def assert_valid(name, document):
    errors = [f"{list(e.absolute_path)}: {e.message[:200]}"
              for e in validator(name).iter_errors(document)]
    assert not errors, errors[:3]

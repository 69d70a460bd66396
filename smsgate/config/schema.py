"""The JSON Schema of rule files, for editors: it completes keys and words and shows what each is for.

Made out of the forms that read the files, so it can't say otherwise; what conditions mean, and whether names exist, is for
`smsgate check` to say. `python -m smsgate.config.schema` prints it as rules/rules.schema.json.
"""

from __future__ import annotations

import json
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import StringSchema, WithDefaultSchema

from smsgate.config.fields import SCALAR
from smsgate.config.overrides import OverrideFile
from smsgate.config.rulefile import PackForm

FILE_NAME: Final = "rules.schema.json"


class _Generator(GenerateJsonSchema):
    def str_schema(self, schema: StringSchema) -> JsonSchemaValue:  # noqa: ARG002
        return {"type": SCALAR}

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])  # docs/rules.md has the defaults


def schema() -> dict[str, Any]:
    """A pack, or a file of overrides."""
    models: list[Any] = [(PackForm, "validation"), (OverrideFile, "validation")]
    refs, made = models_json_schema(models, schema_generator=_Generator)
    pack, overrides = (refs[model] for model in models)
    definitions = {name: _plain(definition) for name, definition in made["$defs"].items()}
    used: set[str] = set()
    _follow({"then": overrides, "else": pack}, definitions, used)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "smsgate rules",
        "if": {"type": "object", "required": ["overrides"]},
        "then": overrides,
        "else": pack,
        "$defs": {name: definition for name, definition in definitions.items() if name in used},
    }


def _follow(node: Any, definitions: dict[str, Any], used: set[str]) -> None:
    """Note the definitions that a node leads to: pydantic gives those too that our own words stand for (conditions)."""
    if isinstance(node, list):
        for each in node:
            _follow(each, definitions, used)
    elif isinstance(node, dict):
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name and name not in used:
            used.add(name)
            _follow(definitions[name], definitions, used)
        for each in node.values():
            _follow(each, definitions, used)


def _plain(node: Any, *, names: bool = False) -> Any:
    """Without titles, which repeat the keys. `names`: the keys are those of the files."""
    if isinstance(node, list):
        return [_plain(each) for each in node]
    if not isinstance(node, dict):
        return node
    return {
        key: _plain(value, names=key == "properties" and not names)
        for key, value in node.items()
        if names or key != "title"
    }


def text() -> str:
    """The schema as the file has it."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")  # noqa: T201  # what this program is for

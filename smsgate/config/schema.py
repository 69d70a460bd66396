"""The JSON Schemas of rule files and of a gate's configuration, for editors: completed keys and words, and what each is for.

Made out of the forms that read the files, so they can't say otherwise; what conditions mean, and whether names and files exist,
is for `smsgate check` to say. `python -m smsgate.config.schema` writes them into the checkout.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core.core_schema import StringSchema, WithDefaultSchema

from smsgate.config.diagnostics import Form
from smsgate.config.fields import SCALAR
from smsgate.config.load import GateForm
from smsgate.config.overrides import OverrideFile
from smsgate.config.rulefile import PackForm

FILE_NAME: Final = "rules.schema.json"
"""Of the schema of rule files, which lies in the folder of the shipped packs."""


class _Generator(GenerateJsonSchema):
    def str_schema(self, schema: StringSchema) -> JsonSchemaValue:  # noqa: ARG002
        return {"type": SCALAR}

    def default_schema(self, schema: WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])  # the documentation has the defaults


def rules() -> dict[str, Any]:
    """A pack, or a file of overrides."""
    refs, definitions = _made(PackForm, OverrideFile)
    cases = {"if": {"type": "object", "required": ["overrides"]}, "then": refs[1], "else": refs[0]}
    return _whole("smsgate rules", cases, definitions)


def configuration() -> dict[str, Any]:
    """The configuration file of a gate."""
    refs, definitions = _made(GateForm)
    return _whole("smsgate configuration", refs[0], definitions)


def _made(*forms: type[Form]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A reference to each form, and the definitions that these need, among others."""
    models: list[Any] = [(form, "validation") for form in forms]
    refs, made = models_json_schema(models, schema_generator=_Generator)
    return [dict(refs[model]) for model in models], {name: _plain(each) for name, each in made["$defs"].items()}


def _whole(title: str, root: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    used: set[str] = set()
    _follow(root, definitions, used)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **root,
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


def files() -> dict[str, str]:
    """The files of the checkout, by their path in it."""
    schemas = {f"rules/{FILE_NAME}": rules(), "deploy/smsgate.schema.json": configuration()}
    return {path: json.dumps(made, indent=2, ensure_ascii=False) + "\n" for path, made in schemas.items()}


if __name__ == "__main__":
    for path, text in files().items():
        Path(path).write_text(text, encoding="utf-8")

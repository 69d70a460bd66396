"""`smsgate new-rule`: a pack with one rule to fill in, which passes `smsgate check` as it is and refuses nothing."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer
from pydantic_core import PydanticCustomError

from smsgate.cli.common import out, refuse
from smsgate.cli.reload import who
from smsgate.config.fields import name as checked_name
from smsgate.config.schema import FILE_NAME

_PLAIN: Final = re.compile(r"[^\W\d_][\w .'’-]*[\w.]|[^\W\d_]")
_SKELETON: Final = """\
{schema}# Fill in, from the top: the words, the condition, the examples. Then
#
#     smsgate check {folder}
#     smsgate explain --rules {folder} "a text that the rule should stop"
#     smsgate backtest --rules {folder} messages.jsonl
#
# Until `mode` says otherwise the rule refuses nothing: it counts what it would have done.

pack: {pack}
owner: {owner}
# use: [lexicon-fr]                 # packs whose brands, keywords and lists the condition may name

# brands:                           # who is impersonated, unless a pack under `use` has the brand
#   my-brand:
#     names: [My Brand]
#     official: {{domains: [mybrand.example]}}

keywords:
  demand: [replace these words]     # what it wants: whole words, or the start of one with *

rules:
  - id: {id}
    title: {title}
    why: the fact that the rule stands on
    # reference: the ticket or report it comes from
    since: {today}
    # expires: {next_year}             # its last day
    if: demand and foreign_link       # names(my-brand) and demand and not official(my-brand)
    # except: client in [bank1]       # whom it spares
    action: block                     # flag, throttle or block
    mode: monitor                     # then `sample 10%`, then `enforce`
    matches:                          # messages that the rule must hit
      - "Please replace these words: https://site.example/x"
    passes:                           # genuine messages, the nearer to the scam the better
      - "Please replace these words."
"""


def new_rule(
    id: Annotated[str, typer.Option("--id", help="A name that no other rule has, such as FR-CPF-014.")],
    title: Annotated[str, typer.Option(help="What the rule stops, in a few words.")],
    into: Annotated[Path, typer.Option(metavar="FILE", help="The pack to write; it must not be there yet.")],
    owner: Annotated[str, typer.Option(help="Who answers for the rule.", show_default="you")] = "",
) -> None:
    """Write a pack with one commented rule to fill in.

    It passes `smsgate check` as it is, and is in monitor mode: nothing is refused until you say so.

        smsgate new-rule --id FR-CPF-014 --title "Training points" --owner fraud-desk --into rules/fr/points.yaml
    """
    today = datetime.now(UTC).date()
    try:
        rule = checked_name(id)
    except PydanticCustomError as error:
        raise typer.BadParameter(error.message(), param_hint="--id") from None
    if into.suffix not in {".yaml", ".yml"}:
        raise typer.BadParameter("packs are named *.yaml", param_hint="--into")
    if not title.strip():
        raise typer.BadParameter("a title says what the rule stops", param_hint="--title")
    text = _SKELETON.format(
        schema=_schema_line(into),
        folder=into.parent,
        pack=re.sub(r"^[\W_]+|[^\w.-]+", "-", into.stem).strip("-") or "new",
        owner=_scalar(owner or who()),
        id=rule,
        title=_scalar(title),
        today=today,
        next_year=f"{today.year + 1}-12-31",
    )
    try:
        with into.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        fault = "is there already" if isinstance(error, FileExistsError) else error.strerror
        refuse(f"{into}: {fault}")
    out.print(f"{into} written: fill it in, then smsgate check {into.parent}", markup=False)


def _scalar(text: str) -> str:
    """A text as YAML has it: in quotes where it could be taken for something else."""
    return text if _PLAIN.fullmatch(text) and text.lower() != "null" else json.dumps(text, ensure_ascii=False)


def _schema_line(into: Path) -> str:
    """The line by which an editor finds the schema, if it lies beside the file or above."""
    folder = into.absolute().parent
    for steps, above in enumerate((folder, *folder.parents)):
        if (above / FILE_NAME).is_file():
            return f"# yaml-language-server: $schema={'../' * steps}{FILE_NAME}\n\n"
    return ""

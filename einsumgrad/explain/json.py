"""An explanation as JSON: every statement and expression as `.ein` text. The schema only grows."""

from __future__ import annotations

import json
from typing import Any

from einsumgrad.explain.explain import Explanation, Name, Operand, Piece, Section
from einsumgrad.explain.story import Story
from einsumgrad.explain.writer import Writer, writer
from einsumgrad.ir.nodes import Position
from einsumgrad.reflect.ascii import ascii_program
from einsumgrad.reflect.reflect import reflect
from einsumgrad.syntax.show import show


def to_json(found: Explanation, *, ascii: bool = False) -> str:
    """The whole explanation."""
    pen = writer(found, ascii=ascii)
    result = ascii_program(found.result) if ascii else found.result
    made = {
        "version": 1,
        "loss": pen.name(found.program.loss) if found.program.loss else None,
        "seeds": [pen.name(name) for name in found.seeds],
        "wanted": {pen.name(name): pen.name(found.gradients[name]) for name in found.wanted},
        "names": [_name(name, pen) for name in found.names],
        "starts": [_story(story, pen) for story in found.starts],
        "steps": [_section(section, pen) for section in found.sections],
        "zeros": [_story(story, pen) for story in found.zeros],
        "result": show(reflect(result), ascii=ascii),
    }
    return json.dumps(made, ensure_ascii=ascii, indent=2) + "\n"


def _name(name: Name, pen: Writer) -> dict[str, Any]:
    return {
        "use": pen.statement(name.use),
        "gradient": pen.name(name.gradient),
        "definition": _story(name.story, pen),
    }


def _section(section: Section, pen: Writer) -> dict[str, Any]:
    return {
        "step": section.number,
        "statement": pen.statement(section.statement),
        "derived_in": list(section.passed),
        "pieces": [_piece(piece, pen) for piece in section.pieces],
    }


def _piece(piece: Piece, pen: Writer) -> dict[str, Any]:
    return {
        "statement": pen.statement(piece.statement),
        "operands": [_operand(operand, pen) for operand in piece.operands],
    }


def _operand(operand: Operand, pen: Writer) -> dict[str, Any]:
    return {
        "operand": pen.expr(operand.access),
        "rules": [
            {
                "words": pen.plain(rule.words),
                "here": {pen.plain(letter): pen.expr(value) for letter, value in rule.here},
                "through": pen.statement(rule.through) if rule.through else None,
            }
            for rule in operand.rules
        ],
        "slope": pen.expr(operand.slope.value, operand.slope.where),
        "of": pen.expr(operand.slope.result) if operand.slope.result else "u",
        "summed": [pen.expr(Position(index)) for index in operand.summed],
        "factor": pen.expr(operand.factor),
        "derived": _story(operand.story, pen),
    }


def _story(story: Story, pen: Writer) -> dict[str, Any]:
    return {
        "first": pen.statement(story.first),
        "changes": [
            {
                "why": pen.plain(pen.reason(change.reason)),
                "statement": pen.statement(change.after) if change.after else None,
            }
            for change in story.changes
        ],
        "helpers": [_story(helper, pen) for helper in story.helpers],
        "printed": pen.statement(story.last) if story.last else None,
    }

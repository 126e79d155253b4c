"""What may be written in a template: a list of what is allowed, so that whatever Jinja2 learns later stays out.

A template is parsed, every node is compared with the list, loops and concatenations are given their counters, and
only then is it compiled, into a sandbox that knows no attribute but those listed here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from difflib import get_close_matches
from functools import lru_cache
from types import TracebackType
from typing import Any, cast

import jinja2
from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError, TemplateSyntaxError
from jinja2.ext import Extension
from jinja2.meta import find_undeclared_variables
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.tests import TESTS
from jinja2.visitor import NodeTransformer

from posts.render import filters
from posts.render.budget import LOOP_TURNS, SOURCE, number
from posts.render.errors import TemplateError
from posts.render.page import Page, PageContext
from posts.render.variables import PostVariables

_DEPTH = 40
_LOOP_DEPTH = 4
_PARTS = 30
_RANKS = range(1, 10)
# Looking for one long text in another takes as long as some twenty simple steps.
_COMPARISON = 20

_NODES: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.If, nodes.For, nodes.Assign, nodes.Name, nodes.Const,
    nodes.Filter, nodes.Test, nodes.Keyword, nodes.Getattr, nodes.Getitem, nodes.CondExpr, nodes.Compare,
    nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos, nodes.Add, nodes.Sub, nodes.Mul, nodes.Div,
    nodes.FloorDiv, nodes.Mod, nodes.Concat, nodes.Call, nodes.Tuple, nodes.List, nodes.CallBlock,
)  # fmt: skip
_TESTS = ("defined", "undefined", "none", "string", "number", "even", "odd", "divisibleby")
_ATTRIBUTES: dict[type, frozenset[str]] = {
    date: frozenset({"day", "month", "year"}),
    LoopContext: frozenset({"index", "index0", "revindex", "revindex0", "first", "last", "length"}),
}
_REFUSED: dict[type[nodes.Node], str] = {
    nodes.Macro: "Makros gibt es in Vorlagen nicht.",
    nodes.Import: "Vorlagen können keine anderen Vorlagen einbinden.",
    nodes.FromImport: "Vorlagen können keine anderen Vorlagen einbinden.",
    nodes.Include: "Vorlagen können keine anderen Vorlagen einbinden.",
    nodes.Extends: "Vorlagen können nicht auf anderen Vorlagen aufbauen.",
    nodes.Block: "Vorlagen können nicht auf anderen Vorlagen aufbauen.",
    nodes.Pow: "Potenzen gibt es in Vorlagen nicht.",
    nodes.Slice: "Ausschnitte gibt es nicht; zum Kürzen dient »elastic«, für Hashtags »hashtags(3)«.",
}
_ONLY_RANGE = "Aufrufe gibt es in Vorlagen nicht, außer »range(…)«; bitte einen Filter verwenden."

_SYNTAX: tuple[tuple[str, str], ...] = (
    (r"Unexpected end of template\. .*'(\w+)'\.?$", "»{0}« wird geöffnet, aber nicht geschlossen."),
    (r"Encountered unknown tag '(\w+)'", "Den Befehl »{0}« gibt es nicht, oder er steht an falscher Stelle."),
    (r"Missing end of (comment|raw)", "Ein Kommentar oder »raw« wird nicht geschlossen."),
    (r"unexpected char '(.*)' at", "Das Zeichen »{0}« ist hier nicht erlaubt."),
    (r"expected token '(.*)', got '(.*)'", "Hier wird »{0}« erwartet, da steht aber »{1}«."),
    (r"unexpected '(.*)'", "Das Zeichen »{0}« steht an falscher Stelle."),
    (r"[Uu]nexpected end of template|Expected an expression, got 'end of", "Die Vorlage bricht unvermittelt ab."),
)


@dataclass(frozen=True)
class Part:
    """An optional part: `rank` 1 is the most important, 9 is dropped first; `name` as reports call it."""

    rank: int
    name: str
    line: int


@dataclass(frozen=True)
class Template:
    """A template that was read and found allowed. `names` are the variables it asks for."""

    source: str
    parts: tuple[Part, ...]
    names: frozenset[str]
    compiled: jinja2.Template = field(repr=False, compare=False)


@lru_cache(maxsize=512)
def compile_template(source: str) -> Template:
    """The template of that source. Raises TemplateError for anything that is not allowed."""
    tree = _parsed(source)
    _check_depth(tree)
    builder = _Builder()
    builder.visit(tree)
    try:
        names = frozenset(find_undeclared_variables(tree) - {"range"})
        code = _ENVIRONMENT.compile(tree)
    except (TemplateSyntaxError, SyntaxError) as error:
        raise TemplateError("Die Vorlage lässt sich nicht übersetzen.", error.lineno or 0) from error
    compiled = jinja2.Template.from_code(_ENVIRONMENT, code, _ENVIRONMENT.globals)
    return Template(source, tuple(builder.parts), names, compiled)


def check_template(source: str) -> Template:
    """The template of that source, held to the contract: every variable it asks for is one of PostVariables.

    Raises TemplateError as `compile_template`, for a variable that nobody fills, and for a credit that could be
    dropped: where a picture goes out, its credit must be read in the text.
    """
    template = compile_template(source)
    tree = _parsed(source)
    for part in tree.find_all(nodes.CallBlock):
        if any(name.name == "credit" for child in part.body for name in child.find_all(nodes.Name)):
            raise TemplateError("Der Bildnachweis darf nicht in einem entbehrlichen Teil stehen.", part.lineno)
    known = [one.name for one in fields(PostVariables)]
    for name in tree.find_all(nodes.Name):
        if name.name in template.names and name.name not in known:
            raise TemplateError(f"Die Angabe »{name.name}« gibt es nicht{_did_you_mean(name.name, known)}", name.lineno)
    return template


def fill(template: Template, variables: Mapping[str, Any], page: Page) -> str:
    """The raw text of one filling, noted on the page. Raises TemplateError with the line for whatever goes wrong."""
    context = template.compiled.new_context(dict(variables))
    if not isinstance(context, PageContext):
        raise TypeError("the environment makes no PageContext")
    context.page = page
    pieces: list[str] = []
    length = 0
    try:
        for piece in template.compiled.root_render_func(context):
            length += len(piece)
            page.budget.fits(length)
            pieces.append(piece)
    except Exception as error:
        raise TemplateError(_runtime_sentence(error), _line(error.__traceback__)) from error
    return "".join(pieces)


class _OptionalPart(Extension):
    """`{% optional 3 "Ort" %} … {% endoptional %}`."""

    tags = {"optional"}  # noqa: RUF012  (Jinja2 declares it as an instance attribute)

    def parse(self, parser: Parser) -> nodes.Node:
        line = next(parser.stream).lineno
        rank = parser.stream.expect("integer").value
        name = parser.stream.next_if("string")
        body = parser.parse_statements(("name:endoptional",), drop_needle=True)
        described: list[nodes.Expr] = [nodes.Const(rank), nodes.Const(name.value if name else f"Teil {rank}")]
        return nodes.CallBlock(self.call_method("show", described), [], [], body).set_lineno(line)

    def show(self, context: PageContext, index: int, caller: Callable[[], str]) -> str:
        """The part's text; nothing where it is dropped or where every value printed in it is empty."""
        page = context.page
        if index in page.dropped:
            return ""
        printed, filled = page.printed, page.filled
        text = caller()
        if page.printed > printed and page.filled == filled:
            return ""
        page.present.add(index)
        return text


class _Undefined(jinja2.StrictUndefined):
    """Says in German what is missing."""

    @property
    def _undefined_message(self) -> str:
        return f"Die Angabe »{self._undefined_name}« gibt es hier nicht."


class _Environment(ImmutableSandboxedEnvironment):
    """A sandbox by permission: attributes, operators and filters are those named in this module."""

    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})
    context_class = PageContext

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return any(isinstance(obj, kind) and attr in allowed for kind, allowed in _ATTRIBUTES.items())

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "+" and isinstance(left, str) and isinstance(right, str):
            return filters.concatenate(cast(PageContext, context), left, right)
        if not _is_number(left) or not _is_number(right):
            raise TemplateError(f"Mit »{operator}« lassen sich nur Zahlen verrechnen; Texte verbindet »~«.")
        return number(super().call_binop(context, operator, number(left), number(right)))


class _Builder(NodeTransformer):
    """Compares every node with the list and writes the counters in. Raises TemplateError."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._loops = 0
        self._elastic = 0

    def generic_visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> nodes.Node:
        if not isinstance(node, _NODES):
            raise TemplateError(_REFUSED.get(type(node), "Das ist in Vorlagen nicht erlaubt."), node.lineno)
        return super().generic_visit(node, *args, **kwargs)

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802
        if node.recursive:
            raise TemplateError("Schleifen, die sich selbst aufrufen, gibt es nicht.", node.lineno)
        if self._loops == _LOOP_DEPTH:
            raise TemplateError(f"Höchstens {_LOOP_DEPTH} Schleifen dürfen ineinander stehen.", node.lineno)
        weight = nodes.Const(_weight([*node.body, *([node.test] if node.test else [])]))
        self._loops += 1
        self.generic_visit(node)
        self._loops -= 1
        node.iter = _call_filter(cast(nodes.Expr, node.iter), filters.TURNS, [weight])
        return node

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        call = node.call
        if not isinstance(call, nodes.Call) or not isinstance(call.node, nodes.ExtensionAttribute):
            raise TemplateError("Aufrufblöcke gibt es in Vorlagen nicht.", node.lineno)
        rank, name = (argument.as_const() for argument in call.args)
        if rank not in _RANKS:
            raise TemplateError("Ein entbehrlicher Teil hat eine Zahl von 1 (wichtig) bis 9.", node.lineno)
        if len(self.parts) == _PARTS:
            raise TemplateError(f"Höchstens {_PARTS} Teile dürfen entbehrlich sein.", node.lineno)
        call.args = [nodes.ContextReference(), nodes.Const(len(self.parts))]
        self.parts.append(Part(rank, name, node.lineno))
        node.body = [self.visit(child) for child in node.body]
        return node

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:  # noqa: N802
        if node.node is None or node.name not in filters.ALL:
            known = [name for name in filters.ALL if name.isidentifier()]
            raise TemplateError(f"Den Filter »{node.name}« gibt es nicht{_did_you_mean(node.name, known)}", node.lineno)
        if node.name == "elastic":
            self._elastic += 1
            if self._elastic > 1 or self._loops:
                raise TemplateError("»elastic« darf nur einmal und nicht in einer Schleife stehen.", node.lineno)
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:  # noqa: N802
        if node.name not in _TESTS:
            raise TemplateError(f"Die Prüfung »{node.name}« gibt es nicht.", node.lineno)
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:  # noqa: N802
        if not isinstance(node.node, nodes.Name) or node.node.name != "range" or node.dyn_args or node.dyn_kwargs:
            raise TemplateError(_ONLY_RANGE, node.lineno)
        return self.generic_visit(node)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        return _call_filter(node.nodes[0], filters.CONCATENATE, node.nodes[1:])

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802
        if _is_number(node.value):
            try:
                number(node.value)
            except TemplateError as error:
                raise TemplateError(error.sentence, node.lineno) from error
        return node

    def _literal(self, node: nodes.Tuple | nodes.List) -> nodes.Node:
        # Lists of lists could double at every line, and comparing them would take for ever.
        assigned = isinstance(node, nodes.Tuple) and node.ctx == "store"
        if not assigned and not all(isinstance(item, nodes.Const) for item in node.items):
            raise TemplateError("In einer Liste dürfen nur feste Texte und Zahlen stehen.", node.lineno)
        return self.generic_visit(node)

    visit_Tuple = visit_List = _literal  # noqa: N815


def _parsed(source: str) -> nodes.Template:
    if len(source) > SOURCE:
        raise TemplateError(f"Die Vorlage ist zu lang; erlaubt sind {SOURCE} Zeichen.")
    try:
        return _ENVIRONMENT.parse(source)
    except TemplateSyntaxError as error:
        raise TemplateError(_syntax_sentence(error.message or ""), error.lineno) from error
    except RecursionError as error:
        raise TemplateError("Die Vorlage ist zu tief verschachtelt.") from error
    except ValueError as error:  # a number of thousands of digits
        raise TemplateError("Eine Zahl wird zu groß.") from error


def _check_depth(tree: nodes.Template) -> None:
    level: list[nodes.Node] = [tree]
    for _ in range(_DEPTH):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    raise TemplateError("Die Vorlage ist zu tief verschachtelt.", level[0].lineno)


def _weight(body: Iterable[nodes.Node]) -> int:
    """Elements plus static characters: what one turn of a loop over this body costs at most."""
    total = 0
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        total += 1
        if isinstance(node, nodes.TemplateData):
            total += len(node.data)
        elif isinstance(node, nodes.Compare):
            total += _COMPARISON
        waiting.extend(node.iter_child_nodes())
    return total


def _call_filter(value: nodes.Expr, name: str, arguments: list[nodes.Expr]) -> nodes.Filter:
    call = nodes.Filter(value, name, arguments, [], None, None)
    call.set_lineno(value.lineno)
    return call


def _range(*bounds: Any) -> range:
    if not all(isinstance(bound, int) for bound in bounds):
        raise TemplateError("»range« braucht ganze Zahlen.")
    turns = range(*bounds)
    # A slice of one more: len() itself fails beyond the machine's word.
    if len(turns[: LOOP_TURNS + 1]) > LOOP_TURNS:
        raise TemplateError(f"»range« reicht höchstens über {LOOP_TURNS} Zahlen.")
    return turns


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"; gemeint ist vielleicht »{close[0]}«." if close else "."


def _syntax_sentence(message: str) -> str:
    for pattern, sentence in _SYNTAX:
        found = re.search(pattern, message)
        if found:
            return sentence.format(*found.groups())
    return "Die Vorlage ist an dieser Stelle nicht lesbar."


def _runtime_sentence(error: Exception) -> str:
    if isinstance(error, TemplateError):
        return error.sentence
    if isinstance(error, SecurityError):
        return "Dieser Zugriff ist in Vorlagen nicht erlaubt."
    if isinstance(error, jinja2.UndefinedError):
        return str(error)
    if isinstance(error, ZeroDivisionError):
        return "Durch null lässt sich nicht teilen."
    return "Hier passt etwas nicht zusammen, etwa Text und Zahl oder zu viele Angaben für einen Filter."


def _line(trace: TracebackType | None) -> int:
    """The template's line in which an error rose: that of the innermost frame that is a template's."""
    line = 0
    while trace is not None:
        template = trace.tb_frame.f_globals.get("__jinja_template__")
        if template is not None:
            line = template.get_corresponding_lineno(trace.tb_lineno)
        trace = trace.tb_next
    return line


@pass_context
def _show(context: PageContext, value: Any) -> str:
    return context.page.show(value)


def _environment() -> _Environment:
    environment = _Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
        undefined=_Undefined,
        finalize=_show,
        # Folding constants would run filters while compiling, outside every budget.
        optimized=False,
        extensions=[_OptionalPart],
    )
    environment.filters = dict(filters.ALL)
    environment.tests = {name: TESTS[name] for name in _TESTS}
    environment.globals = {"range": _range}
    return environment


_ENVIRONMENT = _environment()

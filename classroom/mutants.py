"""Small mistakes, planted into an author's answer one at a time: good tests catch each of them.

`RULES` says for each kind of node in a syntax tree what may stand in its place. The tree is changed in one
place, written out as Python, and put back.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from classroom import exercise

OPERATORS = {  # what an operator is taken for; the last of a comparison is its opposite
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Mult], ast.Mod: [ast.FloorDiv],
    ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd], ast.BitXor: [ast.BitOr],
    ast.And: [ast.Or], ast.Or: [ast.And],
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt], ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq],
    ast.In: [ast.NotIn], ast.NotIn: [ast.In],  # codespell:ignore notin
    ast.Is: [ast.IsNot], ast.IsNot: [ast.Is],
}  # fmt: skip
PAIRS = """min max, any all, sum mean, triu tril, zeros ones, log log2, log log10, sin cos, floor ceil,
    argmax argmin, sqrt square, softmax log_softmax, lower upper, cumsum cumprod, keys values, values indices,
    startswith endswith, intersection union, rand randn"""
TWINS: dict[str, list[str]] = {}  # names that are taken for each other
for one, other in map(str.split, PAIRS.split(",")):
    TWINS.setdefault(one, []).append(other)
    TWINS.setdefault(other, []).append(one)
IN_PLACE = """abs add ceil clamp cos cumsum div exp fill floor log log2 masked_fill mul neg pow relu round
    rsqrt scatter sigmoid sin sqrt square squeeze sub t tanh transpose tril triu unsqueeze"""
BY_OPERATOR = {ast.Add: "add_", ast.Sub: "sub_", ast.Mult: "mul_", ast.Div: "div_"}


@dataclass(frozen=True)
class Mutant:
    line: int  # of the original source, from 1
    what: str  # `before -> after`; on one line no two mutants have the same
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """The mutants of the solution regions of a cell, or of the whole cell where it has none, each once."""
    source = exercise.python(source)
    tree, wanted = ast.parse(source), solution_lines(source)
    variables = stored(tree) | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    seen, said = {ast.unparse(tree)}, Counter()
    for place in list(places(tree)):
        if place.line not in wanted:
            continue
        part_of = isinstance(place.node, ast.Constant)  # a number alone says little
        before = ast.unparse(place.parent if part_of else place.node)
        for new in RULES.get(type(place.node), nothing)(place.node, Context(place.function, variables)):
            place.put(new)
            mutated, after = ast.unparse(tree), ast.unparse(place.parent if part_of else new)
            place.put(place.node)
            if mutated not in seen:
                seen.add(mutated)
                what = difference(before, after)
                said[place.line, what] += 1
                again = said[place.line, what]
                yield Mutant(place.line, what if again == 1 else f"{what} #{again}", mutated)


def solution_lines(source: str) -> set[int]:
    """The numbers of the lines in solution regions, or of all lines."""
    spans = [match.span() for match in exercise.SOLUTION.finditer(source)] or [(0, len(source))]
    return {n for a, b in spans for n in range(source.count("\n", 0, a) + 1, source.count("\n", 0, b) + 2)}


def difference(before: str, after: str) -> str:
    """The first line in which two sources differ, before and after."""
    old, new = ([line.strip() for line in text.split("\n")] for text in (before, after))
    pairs = [(a, b) for a, b in zip(old, new, strict=False) if a != b]
    return " -> ".join(pairs[0] if pairs else (old[-1], "; ".join([old[-1], *new[len(old) :]])))


def stored(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


# ---- where


@dataclass
class Place:
    """One node, and where it hangs."""

    node: ast.AST
    parent: ast.AST
    field: str
    index: int | None
    line: int
    function: ast.FunctionDef | None

    def put(self, node: ast.AST) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def places(parent: ast.AST, line: int = 0, function=None) -> Iterator[Place]:
    """All nodes below `parent` in the order of the text, but for docstrings and what is inside f-strings."""
    if isinstance(parent, ast.JoinedStr) or is_docstring(parent):
        return
    function = parent if isinstance(parent, ast.FunctionDef) else function
    for name, value in ast.iter_fields(parent):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST):
                here = getattr(node, "lineno", line)
                yield Place(node, parent, name, index, here, function)
                yield from places(node, here, function)


@dataclass
class Context:
    """What a rule may ask about the surroundings of its node."""

    function: ast.FunctionDef | None
    variables: set[str]  # of the cell; other names are those of modules and functions

    def arguments(self) -> list[str]:
        given = self.function.args if self.function else None
        names = [a.arg for a in [*given.posonlyargs, *given.args, *given.kwonlyargs]] if given else []
        return [name for name in names if name not in ("self", "cls")]

    def is_input(self, node: ast.expr) -> bool:
        """Whether it is an argument, or one element of it, whose name means nothing else in the function."""
        inputs, others = set(self.arguments()), set()
        for part in ast.walk(self.function) if self.function else []:
            if isinstance(part, ast.For | ast.comprehension):
                over = isinstance(part.iter, ast.Name) and part.iter.id in inputs
                (inputs if over else others).update(stored(part.target))
            elif isinstance(part, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
                others |= stored(part)
        return isinstance(node, ast.Name) and node.id in inputs - others


# ---- what: the nodes that may stand in place of one


def nothing(node, context) -> list:
    return []


def like(node: ast.AST, **changes) -> ast.AST:
    """The same node, with a few of its fields changed."""
    changed = copy.copy(node)
    vars(changed).update(changes)
    return changed


def without(items: list, index: int) -> list:
    return [*items[:index], *items[index + 1 :]]


def negated(test: ast.expr) -> ast.expr:
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return test.operand
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return like(test, ops=[OPERATORS[type(test.ops[0])][-1]()])
    return ast.UnaryOp(ast.Not(), test)


def swapped(node, context) -> list:
    return [like(node, op=op()) for op in OPERATORS.get(type(node.op), [])]


def binary(node, context) -> list:
    left, right, found = node.left, node.right, swapped(node, context)
    if isinstance(node.op, ast.MatMult | ast.Sub | ast.Div | ast.Pow):
        found.append(like(node, left=right, right=left))
    if type(node.op) in BY_OPERATOR and context.is_input(left):
        found.append(ast.Call(ast.Attribute(left, BY_OPERATOR[type(node.op)], ast.Load()), [right], []))
    return [*found, left, right]


def comparison(node, context) -> list:
    ops = node.ops
    return [
        like(node, ops=[*ops[:i], op(), *ops[i + 1 :]])
        for i in range(len(ops))
        for op in OPERATORS[type(ops[i])]
    ]


def constant(node, context) -> list:
    value = node.value
    if isinstance(value, bool):
        return [ast.Constant(not value)]
    if isinstance(value, int | float):
        return [ast.Constant(number) for number in (value + 1, abs(value - 1), 0) if number != value]
    return [ast.Constant("")] if isinstance(value, str) else []


def call(node, context) -> list:
    function, args, found = node.func, node.args, []
    if is_attribute := isinstance(function, ast.Attribute):
        owner = function.value
        is_method = not (isinstance(owner, ast.Name) and owner.id not in context.variables)
        if function.attr in IN_PLACE.split() and context.is_input(owner):
            found.append(like(node, func=like(function, attr=f"{function.attr}_")))
    elif isinstance(function, ast.Name):
        found += [like(node, func=like(function, id=twin)) for twin in TWINS.get(function.id, [])]
    found += [  # a boolean becomes its opposite, which is the same mistake
        like(node, keywords=without(node.keywords, i))
        for i, keyword in enumerate(node.keywords)
        if not (isinstance(keyword.value, ast.Constant) and isinstance(keyword.value.value, bool))
    ]
    if is_attribute and is_method:
        return [*found, *([like(node, args=args[:-1])] if args else []), owner]
    fewer = [like(node, args=args[:-1])] if len(args) > 1 else []
    return [*found, *fewer, *(argument for argument in args[:2] if not isinstance(argument, ast.Starred))]


def bounds(node, context) -> list:
    one, found = ast.Constant(1), [like(node, step=None)] if node.step else []
    for end, moved in (("lower", one), ("upper", ast.UnaryOp(ast.USub(), one))):
        bound = getattr(node, end)
        found.append(like(node, **{end: None if bound else moved}))
        if bound and not isinstance(bound, ast.Constant):
            found += [like(node, **{end: ast.BinOp(bound, op(), one)}) for op in (ast.Add, ast.Sub)]
    return found


def loop_in_expression(node, context) -> list:
    dropped = [like(node, ifs=without(node.ifs, i)) for i in range(len(node.ifs))]
    opposite = [[*node.ifs[:i], negated(test), *node.ifs[i + 1 :]] for i, test in enumerate(node.ifs)]
    return dropped + [like(node, ifs=ifs) for ifs in opposite]


def statement(node, context) -> list:
    return [] if is_docstring(node) else [ast.Pass()]


def result(node, context) -> list:
    if node.value is None:
        return []
    zero, nan = ast.Constant(0), ast.Call(ast.Name("float"), [ast.Constant("nan")], [])
    right_shape = [ast.BinOp(lazy, ast.Mult(), node.value) for lazy in (zero, nan)]
    first = [ast.Name(name) for name in context.arguments()[:1]]
    return [ast.Return(value) for value in (ast.Constant(None), *first, zero, nan, *right_shape)]


def if_read(change):
    """A rule that leaves alone what is assigned to."""
    return lambda node, context: change(node) if isinstance(node.ctx, ast.Load) else []


RULES = {
    ast.BinOp: binary,
    ast.BoolOp: lambda node, context: [*swapped(node, context), *node.values],
    ast.UnaryOp: lambda node, context: [node.operand],
    ast.Compare: comparison,
    ast.Constant: constant,
    ast.Call: call,
    ast.Slice: bounds,
    ast.Attribute: if_read(lambda node: [like(node, attr=twin) for twin in TWINS.get(node.attr, [])]),
    ast.Subscript: if_read(lambda node: [node.value]),
    ast.Tuple: if_read(lambda node: [like(node, elts=node.elts[::-1])]),
    ast.IfExp: lambda node, context: [like(node, test=negated(node.test)), node.body, node.orelse],
    ast.SetComp: lambda node, context: [ast.ListComp(node.elt, node.generators)],
    ast.comprehension: loop_in_expression,
    ast.If: lambda node, context: [ast.Pass(), like(node, test=negated(node.test))],
    ast.While: lambda node, context: [ast.Pass(), like(node, test=negated(node.test))],
    ast.For: lambda node, context: [ast.Pass(), like(node, body=[*node.body, ast.Break()])],
    ast.Return: result,
} | dict.fromkeys(
    [ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.Delete, ast.Raise, ast.Assert, ast.Break,
     ast.Continue], statement
)  # fmt: skip

"""Small mistakes, planted into an author's answer one at a time: good tests catch each of them.

A rule is given a node of the syntax tree and yields what may stand in its place. The tree is changed in one place,
written out as Python, and put back, so that nothing is ever mutated on disk.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from classroom import exercise

OPERATORS = {
    ast.Add: [ast.Sub], ast.Sub: [ast.Add], ast.Mult: [ast.Div], ast.Div: [ast.Mult], ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv], ast.Pow: [ast.Mult], ast.BitAnd: [ast.BitOr], ast.BitOr: [ast.BitAnd],
    ast.BitXor: [ast.BitOr], ast.And: [ast.Or], ast.Or: [ast.And],
    ast.Lt: [ast.LtE, ast.GtE], ast.LtE: [ast.Lt, ast.Gt], ast.Gt: [ast.GtE, ast.LtE], ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq], ast.NotEq: [ast.Eq], ast.In: [ast.NotIn], ast.NotIn: [ast.In], ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}  # fmt: skip
PAIRS = """min max, any all, sum mean, triu tril, zeros ones, log log2, log log10, sin cos, floor ceil, argmax argmin,
    sqrt square, softmax log_softmax, lower upper, cumsum cumprod, keys values, startswith endswith, values indices,
    intersection union, rand randn"""
TWINS: dict[str, list[str]] = {}  # names that are easily taken for each other
for first, second in map(str.split, PAIRS.split(",")):
    TWINS.setdefault(first, []).append(second)
    TWINS.setdefault(second, []).append(first)
IN_PLACE = set("""abs add ceil clamp cos cumsum div exp fill floor log log2 masked_fill mul neg pow relu round rsqrt scatter
    sigmoid sin sqrt square squeeze sub t tanh transpose tril triu unsqueeze""".split())  # fmt: skip
BY_OPERATOR = {ast.Add: "add_", ast.Sub: "sub_", ast.Mult: "mul_", ast.Div: "div_"}


@dataclass(frozen=True)
class Mutant:
    line: int  # of the original source, from 1
    what: str  # `before -> after`
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of the solution regions of a cell, or of the whole cell where it has none; each differs from all."""
    source = exercise.python(source)
    tree, wanted, lines = ast.parse(source), set(solution_lines(source)), source.split("\n")
    seen, said = {ast.unparse(tree)}, Counter()
    known = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    known |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    for place in list(places(tree)):
        if place.line not in wanted:
            continue
        shown = place.parent if isinstance(place.node, ast.Constant) else place.node
        before = ast.unparse(shown)
        for replacement in RULES.get(type(place.node), nothing)(place.node, Context(place.function, known)):
            place.put(replacement)
            mutated, after = ast.unparse(tree), ast.unparse(shown if shown is place.parent else replacement)
            place.put(place.node)
            if mutated not in seen:
                seen.add(mutated)
                what = difference(before, after)
                key = lines[place.line - 1].strip(), what
                said[key] += 1
                yield Mutant(place.line, what if said[key] == 1 else f"{what} ({said[key]})", mutated)


def solution_lines(source: str) -> list[int]:
    """The numbers of the lines between the marks, or of all lines."""
    spans = [
        (source.count("\n", 0, m.start()) + 1, source.count("\n", 0, m.end()) + 1)
        for m in exercise.SOLUTION.finditer(source)
    ]
    return [n for first, last in spans or [(1, source.count("\n") + 1)] for n in range(first, last + 1)]


def difference(before: str, after: str) -> str:
    """The first lines in which two sources differ."""
    old, new = before.split("\n"), after.split("\n")
    for one, other in zip(old, new, strict=False):
        if one != other:
            return f"{one.strip()} -> {other.strip()}"
    return f"{old[-1].strip()} -> {'; '.join(line.strip() for line in [*old[-1:], *new[len(old) :]])}"


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
    """All nodes below `parent`, in the order in which they are written; not the parts of f-strings."""
    function = parent if isinstance(parent, ast.FunctionDef) else function
    for name, value in [] if isinstance(parent, ast.JoinedStr) else ast.iter_fields(parent):
        for index, node in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if isinstance(node, ast.AST):
                here = getattr(node, "lineno", line)
                yield Place(node, parent, name, index, here, function)
                yield from places(node, here, function)


@dataclass
class Context:
    """What a rule may ask about the surroundings."""

    function: ast.FunctionDef | None
    known: set[str]  # names of variables and arguments; others are modules and functions

    @property
    def arguments(self) -> list[str]:
        spec = self.function.args if self.function else ast.arguments([], [], None, [], [], None, [])
        return [a.arg for a in [*spec.posonlyargs, *spec.args, *spec.kwonlyargs] if a.arg not in ("self", "cls")]

    @property
    def inputs(self) -> set[str]:
        """Arguments, and what a loop over them gives, as long as the name means nothing else as well."""
        names, other = set(self.arguments), set()
        for node in ast.walk(self.function) if self.function else []:
            if isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Name):
                (names if node.iter.id in names else other).update(stored(node.target))
            elif isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign | ast.NamedExpr):
                other.update(stored(node))
        return names - other


def stored(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


# ---- what: each rule yields nodes that may stand in place of the one it is given


def like(node: ast.AST, **changes) -> ast.AST:
    return type(node)(**{**dict(ast.iter_fields(node)), **changes})


def expression(source: str) -> ast.expr:
    return ast.parse(source, mode="eval").body


def negated(test: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), test)


def nothing(node, context):
    return ()


def binary(node, context):
    yield from (like(node, op=op()) for op in OPERATORS.get(type(node.op), []))
    if isinstance(node.op, ast.MatMult | ast.Sub | ast.Div | ast.Pow):
        yield like(node, left=node.right, right=node.left)
    yield from (node.left, node.right)
    if type(node.op) in BY_OPERATOR and isinstance(node.left, ast.Name) and node.left.id in context.inputs:
        yield ast.Call(ast.Attribute(node.left, BY_OPERATOR[type(node.op)], ast.Load()), [node.right], [])


def unary(node, context):
    yield node.operand


def boolean(node, context):
    yield from (like(node, op=op()) for op in OPERATORS[type(node.op)])
    yield from node.values


def comparison(node, context):
    for i, op in enumerate(node.ops):
        yield from (like(node, ops=[*node.ops[:i], other(), *node.ops[i + 1 :]]) for other in OPERATORS[type(op)])


def constant(node, context):
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield from map(ast.Constant, [value + 1, 0] if value < 0 else [value + 1, abs(value - 1), 0])
    elif isinstance(value, str):
        yield ast.Constant("")


def call(node, context):
    function, n = node.func, len(node.args)
    is_method = isinstance(function, ast.Attribute) and not (
        isinstance(function.value, ast.Name) and function.value.id not in context.known
    )
    name = getattr(function, "attr", getattr(function, "id", ""))
    for twin in TWINS.get(name, []):
        yield like(node, func=like(function, **{"attr" if isinstance(function, ast.Attribute) else "id": twin}))
    yield from (like(node, keywords=[*node.keywords[:i], *node.keywords[i + 1 :]]) for i in range(len(node.keywords)))
    if n + is_method > 1:
        yield like(node, args=node.args[:-1])
    yield from [function.value] if is_method else [a for a in node.args[:2] if not isinstance(a, ast.Starred)]
    if is_method and name in IN_PLACE and isinstance(function.value, ast.Name) and function.value.id in context.inputs:
        yield like(node, func=like(function, attr=f"{name}_"))


def attribute(node, context):
    yield from (like(node, attr=twin) for twin in TWINS.get(node.attr, []) if isinstance(node.ctx, ast.Load))


def part(node, context):
    if isinstance(node.ctx, ast.Load):
        yield node.value


def bounds(node, context):
    one = ast.Constant(1)
    for end, moved in (("lower", one), ("upper", ast.UnaryOp(ast.USub(), one))):
        bound = getattr(node, end)
        if bound is None:
            yield like(node, **{end: moved})
        else:
            yield like(node, **{end: None})
            if not isinstance(bound, ast.Constant):
                yield from (like(node, **{end: ast.BinOp(bound, op(), one)}) for op in (ast.Add, ast.Sub))
    if node.step:
        yield like(node, step=None)


def pair(node, context):
    if isinstance(node.ctx, ast.Load) and len(node.elts) > 1:
        yield like(node, elts=node.elts[::-1])


def choice(node, context):
    yield like(node, test=negated(node.test))
    yield from (node.body, node.orelse)


def loop_in_expression(node, context):
    for i, test in enumerate(node.ifs):
        yield like(node, ifs=[*node.ifs[:i], *node.ifs[i + 1 :]])
        yield like(node, ifs=[*node.ifs[:i], negated(test), *node.ifs[i + 1 :]])


def unique(node, context):
    yield ast.ListComp(node.elt, node.generators)


def statement(node, context):
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):  # a docstring
        yield ast.Pass()


def conditional(node, context):
    yield ast.Pass()
    yield like(node, test=negated(node.test))


def loop(node, context):
    yield ast.Pass()
    yield like(node, body=[*node.body, ast.Break()])


def result(node, context):
    if node.value is not None:
        for source in ["None", *context.arguments[:1], "0", "float('nan')"]:
            yield ast.Return(expression(source))
        for source in ("0", "float('nan')"):  # of the right shape
            yield ast.Return(ast.BinOp(expression(source), ast.Mult(), node.value))


RULES = {
    ast.BinOp: binary, ast.UnaryOp: unary, ast.BoolOp: boolean, ast.Compare: comparison, ast.Constant: constant,
    ast.Call: call, ast.Attribute: attribute, ast.Subscript: part, ast.Slice: bounds, ast.Tuple: pair, ast.IfExp: choice,
    ast.comprehension: loop_in_expression, ast.SetComp: unique, ast.Assign: statement, ast.AugAssign: statement,
    ast.Expr: statement, ast.Delete: statement, ast.Raise: statement, ast.Assert: statement, ast.If: conditional,
    ast.While: conditional, ast.For: loop, ast.Return: result, ast.Break: statement, ast.Continue: statement,
}  # fmt: skip

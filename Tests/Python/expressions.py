"""Filters and derived expressions, evaluated by definition: a second, independent reading of the expression language.

Python's own parser does the reading, since `category == "shoes" and price > 50` and `a / max(b, 1)` mean the same there. Numbers are exact
fractions; only logarithms and roots go through doubles. Null (None) is contagious in arithmetic, functions and comparisons, except in
`coalesce` and `is null`; `and` and `or` follow three-valued logic; a division by zero is null.

Filters know only true and false: a condition that is null counts as false at once, so `not` turns it into true.
"""
import ast
import math
from decimal import Decimal
from fractions import Fraction

_CONSTANTS = {"true": True, "false": False, "null": None}


def _share(totals, key):
    total = sum(totals.values())
    return None if total == 0 else Fraction(totals.get(key, 0)) / Fraction(total)


_FUNCTIONS = {
    "min": min,
    "max": max,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "log1p": lambda x: math.log1p(x) if x > -1 else None,
    "log": lambda x: math.log(x) if x > 0 else None,
    "sqrt": lambda x: math.sqrt(x) if x >= 0 else None,
    "clamp": lambda x, low, high: min(max(x, low), high),
    "get": lambda totals, key: totals.get(key),
    "share": _share,
    "size": len,
    "starts_with": lambda text, prefix: text.startswith(prefix),
}


class Expression:
    """`Expression("price > 50").evaluate({"price": Decimal("51")})` is True."""

    def __init__(self, text):
        self.text = text
        self._tree = ast.parse(text.strip(), mode="eval").body
        self.names = sorted({n.id for n in ast.walk(self._tree) if isinstance(n, ast.Name)} - {
            *_FUNCTIONS, "coalesce", *_CONSTANTS})

    def evaluate(self, values):
        return _evaluate(self._tree, values, False)

    def accepts(self, values):
        """As a filter: only a definite true lets an event in."""
        return _evaluate(self._tree, values, True) is True


def _number(value):
    if isinstance(value, (int, Decimal, float)) and not isinstance(value, bool):
        return Fraction(value)
    return value


def _evaluate(node, values, in_filter):
    value = _evaluate_any(node, values, in_filter)
    # What is a condition by its form; arithmetic and fields stay null.
    is_condition = isinstance(node, ast.Compare) or (isinstance(node, ast.Call) and node.func.id == "starts_with")
    return False if in_filter and value is None and is_condition else value


def _evaluate_any(node, values, in_filter):
    if isinstance(node, ast.Constant):
        # A literal such as 0.1 means one tenth, not the nearest double.
        return Fraction(str(node.value)) if isinstance(node.value, float) else _number(node.value)
    if isinstance(node, ast.Name):
        if node.id in values:
            return _number(values[node.id])
        return _CONSTANTS[node.id]
    if isinstance(node, ast.BoolOp):
        decisive = isinstance(node.op, ast.Or)
        results = [_evaluate(part, values, in_filter) for part in node.values]
        if in_filter:
            results = [result is True for result in results]
        if decisive in results:
            return decisive
        return None if None in results else not decisive
    if isinstance(node, ast.UnaryOp):
        operand = _evaluate(node.operand, values, in_filter)
        if operand is None:
            return True if in_filter and isinstance(node.op, ast.Not) else None
        return (not operand) if isinstance(node.op, ast.Not) else -operand
    if isinstance(node, ast.Compare):
        left = _evaluate(node.left, values, in_filter)
        for operator, right_node in zip(node.ops, node.comparators):
            if isinstance(operator, (ast.In, ast.NotIn)):
                members = right_node.elts if isinstance(right_node, ast.Tuple) else [right_node]
                right = [_evaluate(member, values, in_filter) for member in members]
                return None if left is None else (left in right) == isinstance(operator, ast.In)
            right = _evaluate(right_node, values, in_filter)
            if isinstance(operator, (ast.Is, ast.IsNot)):
                return (left is None) == isinstance(operator, ast.Is)
            if left is None or right is None:
                return None
            if not _COMPARISONS[type(operator)](left, right):
                return False
            left = right
        return True
    if isinstance(node, ast.BinOp):
        left, right = _evaluate(node.left, values, in_filter), _evaluate(node.right, values, in_filter)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Div):
            return None if right == 0 else left / right
        return _ARITHMETIC[type(node.op)](left, right)
    if isinstance(node, ast.Call):
        arguments = [_evaluate(argument, values, in_filter) for argument in node.args]
        if node.func.id == "coalesce":
            return next((a for a in arguments if a is not None), None)
        if None in arguments:
            return None
        return _number(_FUNCTIONS[node.func.id](*arguments))
    raise ValueError(f"the oracle does not know {ast.dump(node)}")


_COMPARISONS = {
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}
_ARITHMETIC = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
}

"""Users' formulas: what they come to, which units they have, and what is refused with which words."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indicators.errors import IndicatorError
from indicators.formula import read_formula
from indicators.unit_arithmetic import powers, spelled

VALUES = {"a": 6.0, "b": 4.0, "c": 0.0}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a + b * 2", 14.0),
        ("(a + b) * 2", 20.0),
        ("a - b - 1", 1.0),
        ("a / b / 2", 0.75),
        ("-a + -b", -10.0),
        ("a - -b", 10.0),
        ("min(a, b, 5)", 4.0),
        ("max(a, b) - mean(a, b)", 1.0),
        ("abs(b - a)", 2.0),
        ("1.5e1 * a + .5", 90.5),
        ("a / c", None),
        ("1e308 * a * a", None),
    ],
)
def test_a_formula_comes_to(text: str, value: float | None) -> None:
    assert read_formula(text).value(VALUES) == value


@pytest.mark.parametrize(
    ("text", "units", "result"),
    [
        ("(x + y) / 2", {"x": "ug/m3", "y": "ug/m3"}, "ug/m3"),
        ("x / y", {"x": "ug/m3", "y": "ug/m3"}, "1"),
        ('100 "%" * x / y', {"x": "ug/m3", "y": "ug/m3"}, "%"),
        ("x / y", {"x": "{vehicles}/h", "y": "km/h"}, "{vehicles}/km"),
        ('0.524 * x - 0.0862 "ug/m3/%" * h + 5.75', {"x": "ug/m3", "h": "%"}, "ug/m3"),
        ('1000 "ug/mg" * x', {"x": "mg/m3"}, "ug/m3"),
        ("max(x, 0)", {"x": "Cel"}, "Cel"),
    ],
)
def test_a_formula_has_the_unit(text: str, units: dict[str, str], result: str) -> None:
    assert read_formula(text).unit(units) == powers(result)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "a number, a name or '(' is missing at the end"),
        ("a +", "is missing at the end"),
        ("a b", "an operator is missing before 'b', character 3"),
        ("(a + b", "')' is missing at the end"),
        ("3 + 4", "names no input"),
        ("__import__('os')", "cannot be read"),
        ("a.b", "cannot be read"),
        ("a ** b", "is missing before '*', character 4"),
        ("exec(a)", "no function 'exec'; there are min, max, mean, abs"),
        ("abs(a, b)", "abs takes one value, not 2"),
        ("(" * 400 + "a" + ")" * 400, "at most 500 characters, not 801"),
        ("(" * 40 + "a" + ")" * 40, "nested more than 30 deep"),
        ("-" * 400 + "a", "nested more than 30 deep"),
        ('5 "no unit!" * a', "is no unit"),
    ],
)
def test_what_is_no_formula_is_told(text: str, words: str) -> None:
    with pytest.raises(IndicatorError) as refused:
        read_formula(text)
    assert words in str(refused.value)


def test_units_that_do_not_fit_are_told() -> None:
    with pytest.raises(IndicatorError, match=r"\+ takes values of one unit, not ug/m3 and %"):
        read_formula("x + h").unit({"x": "ug/m3", "h": "%"})
    with pytest.raises(IndicatorError, match="nothing is named 'y'; there are x"):
        read_formula("x + y").unit({"x": "1"})
    assert spelled(powers("{vehicles}/h")) == "{vehicles}/h"
    assert powers("kg.m/s2") == {"kg": 1, "m": 1, "s": -2}
    with pytest.raises(IndicatorError, match="'3' is a number"):
        powers("3/m")


@given(st.text(alphabet='ab01.+-*/(), "%m', max_size=60))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        formula = read_formula(text)
    except IndicatorError:
        return
    result = formula.value(dict.fromkeys(formula.names, 2.0))
    assert result is None or math.isfinite(result)

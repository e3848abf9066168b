"""ONNX's own test cases of single operators: all pass but those that a rule leaves out, and those are refused."""

from __future__ import annotations

import pytest

pytest.importorskip("onnx", reason="needs the extra onnx")

from node_cases import DIFFERENCES, OPS, QUANTIZATION, RULES, Case, all_cases, rule, run

from intaglio.errors import Error


def cases_of(op: str) -> list[Case]:
    cases = all_cases()[op]
    if not cases:
        pytest.skip(f"the installed onnx has no cases of {op}")
    return cases


@pytest.mark.parametrize("op", OPS)
def test_cases_pass_or_are_refused(op: str) -> None:
    for case in cases_of(op):
        reason = rule(case)
        if reason is None:
            run(case)
        elif reason in RULES:
            with pytest.raises(Error):
                run(case)


def test_all_quantization_to_bytes_passes() -> None:
    """Operators that quantize, on 8 bits: no rule leaves one out."""
    every = [case for op in QUANTIZATION for case in cases_of(op)]
    on_bytes = [case for case in every if {"INT8", "UINT8"} & case.dtypes and "INT16" not in case.dtypes]
    assert len(on_bytes) >= 21
    assert [case.name for case in on_bytes if rule(case) is not None] == []


def test_every_rule_leaves_something_out() -> None:
    reasons = {rule(case) for op in OPS for case in all_cases()[op]}
    assert reasons - {None} == {*RULES, *DIFFERENCES}

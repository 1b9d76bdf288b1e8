"""Every faulty and every hostile definition gets a clean verdict and harms nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from orchestrator.files.asking import validator

CORPUS = Path(__file__).parents[1] / "corpora" / "kcl"

#: Where hostile files try to write.
TARGETS = ("/var/tmp/orch-hostile", "/var/tmp/orch-outside")

#: {file: [(code, line, column)] of its errors}.
FAULTY: dict[str, list[tuple[str, int | None, int | None]]] = {
    "00_ok.k": [],
    "01_syntax_unclosed.k": [("KCL-E1001", 6, 19)],
    "03_tab_indent.k": [("KCL-E1001", 3, 5)],
    "04_type_error.k": [("KCL-E2G22", 11, 13)],
    "06_check_failed_timeout.k": [("WF105", 18, 23)],
    "07_check_failed_dup_id.k": [("WF103", 13, 18)],
    "09_wrong_enum.k": [("KCL-E2G22", 8, 13)],
    "10_missing_required.k": [("WF101", 6, 9)],
    "12_missing_import_rel.k": [("KCL-E2F04", 1, 1), ("KCL-E2G22", 2, 5)],
    "13_undefined_var.k": [("KCL-E2L23", 1, 5)],
    "15_multi_errors.k": [
        ("KCL-E2G22", 11, 13),
        ("KCL-E2L23", 12, 13),
        ("KCL-E2G22", 15, 13),
        ("KCL-E2G22", 16, 13),
        ("KCL-E2G22", 18, 13),
        ("KCL-E2L23", 21, 5),
    ],
    "16_empty.k": [("WF010", None, None)],
    "18_binary.k": [("WF002", None, None)],
    "19_nul.k": [("KCL-E1001", 1, 6)],
    "21_latin1.k": [("WF002", None, None)],
    "22_crlf.k": [("WF010", None, None)],
    "24_assert.k": [("KCL-E3M38", 2, 1)],
    "25_index.k": [("KCL-E3M38", 2, 1)],
    "27_int_overflow.k": [("KCL-E3M38", 2, 1)],
    "28_unused_import.k": [("WF010", None, None)],
    "30_schema_cycle.k": [("KCL-E2L23", 1, 8), ("KCL-E2L23", 3, 8)],
    "31_var_cycle.k": [("WF010", None, None)],
    "33_option_required.k": [("KCL-E3M38", 1, 1)],
    "34_option_type.k": [("WF010", None, None)],
    "36_none_required.k": [("WF101", 6, 9)],
    "37_ops_not_list.k": [("KCL-E2G22", 4, 5), ("KCL-E2G22", 4, 19)],
    "39_dup_key.k": [("WF102", 5, 18)],
    "40_plugin.k": [("WF004", 1, 8)],
    "50_many_semantic.k": [
        ("WF107", 7, 82),
        ("WF106", 7, 87),
        ("WF105", 8, 101),
        ("WF103", 9, 15),
        ("WF101", 10, 9),
        ("WF101", 11, 9),
    ],
    "lint.k": [("KCL-E2G22", 6, 1)],
}

#: {file: codes its errors may have}. Where two are listed, the limit that is met first depends on the machine.
HOSTILE: dict[str, set[str]] = {
    "a01_file_read.k": {"WF004"},
    "a02_file_glob.k": {"WF004"},
    "a04_file_delete.k": {"WF004"},
    "a05_env.k": {"WF004"},
    "a07_yaml_dump.k": {"WF006"},
    "a08_crypto_file.k": {"WF004"},
    "a10_fileno_import.k": {"KCL-E2L23"},
    "a11_catch.k": {"WF004"},
    "a13_loop_nested.k": {"WF090", "WF092"},
    "a14_str_bomb.k": {"WF092"},
    "a16_billion_laughs.k": {"WF092"},
    "a17_deep_list.k": {"WF010"},
    "a18_deep_paren_100000.k": {"WF003"},
    "a18_deep_paren_2000.k": {"WF003"},
    "a19_deep_dict_10000.k": {"WF003"},
    "a19_deep_dict_2000.k": {"WF003"},
    "a20_long_binop_10000.k": {"WF003"},
    "a20_long_binop_2000.k": {"WF010"},
    "a21_schema_recursion.k": {"WF090", "WF091", "WF092"},
    "a22_regex_redos.k": {"WF010"},
    "a24_print.k": {"WF010"},
    "a25_recur_bounded.k": {"WF010"},
    "a26_recur_2000.k": {"WF010"},
    "a26_recur_20000.k": {"WF090", "WF091"},
    "a26_recur_5000.k": {"WF010"},
    "a27_template.k": {"WF004"},
    "a32_mutual.k": {"WF090", "WF091", "WF092"},
    "a33_deep_if.k": {"WF010"},
    "a35_import_abs.k": {"KCL-E2F04", "KCL-E2G22"},
    "a36_dev_zero.k": {"WF004"},
    "a38_proc.k": {"WF004"},
    "a40_dump_outside.k": {"WF006"},
}


def test_no_file_of_the_corpus_is_forgotten() -> None:
    """Both tables name exactly the files there are."""
    assert sorted(FAULTY) == sorted(path.name for path in (CORPUS / "faulty").iterdir())
    assert sorted(HOSTILE) == sorted(path.name for path in (CORPUS / "hostile").iterdir())


@pytest.mark.parametrize("name", FAULTY)
def test_faults_are_told_with_their_places(name: str) -> None:
    """All errors at once, each with its code, line and column."""
    report = validator.evaluate(str(CORPUS / "faulty" / name))
    assert [(told["code"], told["line"], told["column"]) for told in report["errors"]] == FAULTY[name]
    assert report["valid"] == (not FAULTY[name])
    for told in report["errors"] + report["warnings"]:
        assert told["message"]
        assert "\x1b" not in told["message"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_harm_nothing(name: str) -> None:
    """A verdict for each, nothing written anywhere, and the evaluator answers the next one."""
    for target in TARGETS:
        os.makedirs(target, exist_ok=True)
    report = validator.evaluate(str(CORPUS / "hostile" / name))
    assert not report["valid"]
    assert {told["code"] for told in report["errors"]} <= HOSTILE[name]
    assert [os.listdir(target) for target in TARGETS] == [[], []]
    assert validator.evaluate(str(CORPUS / "faulty" / "00_ok.k"))["valid"]

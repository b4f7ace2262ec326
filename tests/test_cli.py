import csv
import io
import json
import subprocess
import sys

import pytest

from ecops_lib import __version__

HEAVY = {"pandas", "numpy", "duckdb", "deltalake", "papermill", "nbformat", "matplotlib", "scipy"}


def test_version(ecops):
    assert ecops("--version") == (0, f"ecops {__version__}\n", "")


def test_help_names_every_command(ecops):
    code, out, _ = ecops("--help")
    assert code == 0
    for command in (
        "list",
        "show",
        "run",
        "lab",
        "import",
        "demo",
        "measure",
        "tests",
        "plan-test",
        "assign",
        "playbook",
        "contact-list",
    ):
        assert f" {command} " in out


def test_help_loads_nothing_heavy():
    script = (
        "import sys\nfrom ecops_lib.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.stderr.strip() == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["rnu"],
        ["run"],
        ["run", "x"],
        ["run", "x", "--store", "s", "--colour", "red"],
        ["measure", "orders", "--store", "s", "--from", "2026-11-01"],
        ["measure", "orders", "--store", "s", "--from", "x", "--to", "y", "--format", "xml"],
        ["run", "x", "--store", "s", "--lang", "fr"],
    ],
)
def test_wrong_usage_is_2(ecops, arguments):
    code, out, err = ecops(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_refusal_is_1_and_one_sentence_on_the_error_channel(ecops, tmp_path, notebooks):
    code, out, err = ecops("run", notebooks / "orders.ipynb", "--store", tmp_path / "none")
    assert (code, out) == (1, "")
    assert err == (
        f"ecops: {tmp_path / 'none'} is not a store (it has no store.toml); "
        f"'ecops import FILES --store {tmp_path / 'none'}' makes one.\n"
    )


def test_unexpected_error_is_1_and_names_the_file_with_the_details(ecops, monkeypatch):
    def broken(language):
        raise ZeroDivisionError("line one\nline two")

    monkeypatch.setattr("ecops_lib.cli.notebooks.set_reader", broken)
    code, out, err = ecops("list")
    assert (code, out) == (1, "")
    assert err.startswith(
        "ecops: something unexpected happened (ZeroDivisionError: line one line two); "
    )
    assert err.count("\n") == 1
    log = err.rpartition(" ")[2].strip().rstrip(".")
    with open(log, encoding="utf-8") as file:
        assert "Traceback" in file.read()


def test_show_prints_the_parameters_in_the_language_asked(ecops, notebooks):
    code, out, _ = ecops("show", notebooks / "orders.ipynb", "--lang", "zh")
    assert code == 0
    assert out.startswith("来了多少订单？\n")
    lines = [line.split() for line in out.splitlines()]
    assert ["top", "int", "3", "显示行数"] in lines
    code, out, _ = ecops("show", notebooks / "orders.ipynb", "--lang", "en")
    assert "rows shown" in out


def test_language_comes_from_the_environment(ecops, notebooks, monkeypatch):
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert ecops("show", notebooks / "orders.ipynb")[1].startswith("来了多少订单？")
    monkeypatch.delenv("LC_ALL")
    monkeypatch.delenv("LC_MESSAGES", raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")
    assert ecops("show", notebooks / "orders.ipynb")[1].startswith("How many orders came?")


def test_run_prints_the_day_and_the_page(ecops, notebooks, small_shop, tmp_path):
    code, out, err = ecops(
        "run",
        notebooks / "orders.ipynb",
        *("--store", small_shop.path, "--out", tmp_path, "--lang", "en"),
        *("--audience", "management", "-p", "note=a=b", "-p", "top=1"),
    )
    day, page = out.splitlines()
    assert code == 0
    assert day == "day: 2026-11-04, the last whole day in the store"
    assert page.startswith(f"page: {tmp_path}/Corner-店/orders/2026-11-04-en-management-note-a-b")
    assert page.endswith("/orders.html")
    assert err.splitlines()[-1] == "orders 11/11"


def test_run_refuses_a_parameter_given_twice(ecops, notebooks, small_shop):
    code, _, err = ecops(
        *("run", notebooks / "orders.ipynb", "--store", small_shop.path),
        *("--lang", "en", "-p", "lang=zh"),
    )
    assert code == 1
    assert err == "ecops: 'lang' is given more than once; give it once.\n"


def measured(ecops, shop, *arguments):
    return ecops(
        *("measure", "orders", "paid_amount", "--store", shop.path),
        *("--from", "2026-11-01", "--to", "2026-11-05", "--lang", "en", *arguments),
    )


def test_measure_prints_plain_numbers_for_programs(ecops, small_shop):
    code, out, err = measured(ecops, small_shop, "--format", "json")
    assert (code, err) == (0, "")
    [row] = json.loads(out)
    assert (row["orders"], row["paid_amount"]) == (19, 199.5)
    rows = list(csv.DictReader(io.StringIO(measured(ecops, small_shop, "--format", "csv")[1])))
    assert [(row["orders"], row["paid_amount"]) for row in rows] == [("19", "199.5")]


def test_measure_by_day_prints_one_row_a_day(ecops, small_shop):
    rows = json.loads(measured(ecops, small_shop, "--by", "day", "--format", "json")[1])
    assert [row["orders"] for row in rows] == [4, 4, 4, 4, 3]
    assert rows[0]["day"] == "2026-11-01"


def test_measure_prints_a_table_for_people(ecops, small_shop):
    code, out, _ = measured(ecops, small_shop)
    assert code == 0
    assert "¥199.50" in out


def test_measure_refuses_an_unknown_metric_with_the_nearest(ecops, small_shop):
    code, _, err = ecops(
        *("measure", "ordres", "--store", small_shop.path),
        *("--from", "2026-11-01", "--to", "2026-11-05"),
    )
    assert code == 1
    assert "did you mean 'orders'" in err


def test_measure_refuses_what_is_no_day(ecops, small_shop):
    code, _, err = ecops(
        *("measure", "orders", "--store", small_shop.path, "--from", "soon", "--to", "later")
    )
    assert code == 1
    assert err.startswith("ecops: --from is 'soon'; it must be a day")

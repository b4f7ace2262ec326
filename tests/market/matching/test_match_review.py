"""The file of judged pairs: written, edited, honoured, refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ecops_lib.core.errors import ParameterError
from ecops_lib.market.matching import ItemMatches, read_review, write_review


def matches(*rows: tuple[str, str, str, float]) -> ItemMatches:
    """Pairs: our id, their id, their title, chance."""
    frame = pd.DataFrame(rows, columns=["our_id", "their_id", "their_title", "chance"])
    frame = frame.assign(our_title="=1+1", seller="S", source="alone")
    return ItemMatches(frame=frame, candidates=frame, ours=5, theirs=5)


LONG = "608812345678901234"
HELD = (("P1", LONG, "<b>茶</b>", 0.55), ("P2", "X2", "-x", 0.85), ("P3", "X3", "sure", 0.97))


def test_uncertain_pairs_are_written_for_a_spreadsheet(tmp_path: Path) -> None:
    file = tmp_path / "matches.csv"
    assert write_review(matches(*HELD), file) == 2
    lines = file.read_text("utf-8-sig").splitlines()
    assert lines[0] == "same,our_title,their_title,seller,chance,our_id,their_id"
    assert lines[1] == f",'=1+1,<b>茶</b>,S,0.55,'P1,'{LONG}"
    assert lines[2] == ",'=1+1,'-x,S,0.85,'P2,'X2"
    assert read_review(file).empty


def test_judgements_are_read_and_stay(tmp_path: Path) -> None:
    file = tmp_path / "matches.csv"
    write_review(matches(*HELD), file)
    text = file.read_text("utf-8-sig").replace("\r\n", "\n").splitlines()
    text[1], text[2] = f"Yes{text[1]}", f"否{text[2]}"
    file.write_text("\n".join(text), "utf-8")  # a spreadsheet may drop the mark
    held = read_review(file)
    assert held.to_dict("list") == {
        "our_id": ["P1", "P2"], "their_id": [LONG, "X2"], "match": [True, False]
    }  # fmt: skip
    assert write_review(matches(*HELD, ("P4", "X4", "new", 0.4)), file) == 1
    assert len(read_review(file)) == 2
    assert write_review(matches(), file) == 0
    assert read_review(file)["match"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("maybe,a,b,S,.5,P1,X1", r"line 2 says same='maybe'; write yes or no"),
        ("yes,a,b,S,.5,P1,6.08812E+17", r"line 2 has their_id 6.08812E\+17, rounded"),
    ],
)
def test_what_cannot_be_read_is_refused_by_line(tmp_path: Path, line: str, words: str) -> None:
    file = tmp_path / "matches.csv"
    file.write_text(f"same,our_title,their_title,seller,chance,our_id,their_id\n{line}\n", "utf-8")
    with pytest.raises(ParameterError, match=words):
        read_review(file)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "matches.csv"
    file.write_text("a,b\n1,2\n", "utf-8")
    with pytest.raises(ParameterError, match="no column 'our_id'"):
        write_review(matches(*HELD), file)
    assert read_review(tmp_path / "none.csv").empty

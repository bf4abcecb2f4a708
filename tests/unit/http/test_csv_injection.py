import pytest

from shared.http.csv_injection import neutralise


@pytest.mark.parametrize("cell", ["=1+1", "+49", "-2", "@SUM(A1)", "\t=1", "  =1", "\r=1"])
def test_cells_that_a_spreadsheet_would_run_are_neutralised(cell):
    assert neutralise(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["ada@x.example", "Acme", "", "3-4"])
def test_other_cells_stay_as_they_are(cell):
    assert neutralise(cell) == cell

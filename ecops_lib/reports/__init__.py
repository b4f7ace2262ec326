"""How does it reach people? Runner, page, workbook."""

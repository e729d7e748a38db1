"""The report of a result: what it says (``content``, ``method``) and how it is written (``document``)."""

from chongming_gis.reports.delivery_sheets import render_sheets, write_sheets
from chongming_gis.reports.document import render_report, write_report, write_reports

__all__ = ["render_report", "render_sheets", "write_report", "write_reports", "write_sheets"]

"""Does growing pay? Several seeds of each policy against hosts alone, of the same start and of its size."""

from nissa.trainer.study.report import StudyReport
from nissa.trainer.study.report_json import report_rows
from nissa.trainer.study.report_text import format_report
from nissa.trainer.study.settings import StudySettings
from nissa.trainer.study.study import run_study

__all__ = ["StudyReport", "StudySettings", "format_report", "report_rows", "run_study"]

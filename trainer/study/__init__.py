"""Does growing pay? Several seeds of each policy against twins, with intervals."""

from nissa.trainer.study.study import StudySettings, run_study
from nissa.trainer.study.study_report import format_report, report_rows

__all__ = ["StudySettings", "format_report", "report_rows", "run_study"]

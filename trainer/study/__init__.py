"""Does growing pay? Several seeds of each policy against twins, with intervals."""

from nissa.trainer.study.study import StudySettings, run_study
from nissa.trainer.study.study_report import format_report

__all__ = ["StudySettings", "format_report", "run_study"]

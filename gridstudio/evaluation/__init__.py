"""The one question of every study: what happens to this feeder if we do this while that happens, and is it allowed?"""

from gridstudio.evaluation.blocks import Workers
from gridstudio.evaluation.cases import Case, Evaluation, Evaluations, evaluate, evaluate_many

__all__ = ["Case", "Evaluation", "Evaluations", "Workers", "evaluate", "evaluate_many"]

"""HiGHS as the programs of this job run it."""

import highspy


def loaded(form: highspy.HighsLp, seconds: float, gap: float) -> highspy.Highs:
    """HiGHS with a program in it, silent, not run yet; one thread, so that the same program has the same answer."""
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    highs.setOptionValue("threads", 1)
    highs.setOptionValue("time_limit", float(seconds))
    highs.setOptionValue("mip_rel_gap", gap)
    highs.passModel(form)
    return highs

"""The study file of a restoration: defaults, and every wrong key or value as one sentence."""

import tomllib
from pathlib import Path

import pytest

from gridstudio.errors import InputError
from gridstudio.planning.restoration.settings import METHODS, RestorationSettings

STUDY = Path(__file__).resolve().parents[3] / "studies" / "restoration_ieee123.toml"
BASE = 'job = "restoration"\n[feeder]\nmaster = "master.dss"\n'
STORM = '[[storms]]\nname = "one"\nfaults = ["line.l52"]\n'


def read(text):
    return RestorationSettings.validated(tomllib.loads(text), "study.toml")


def test_a_storm_is_all_that_a_study_needs():
    settings = read(BASE + STORM)
    assert settings.methods.run == METHODS
    assert (settings.limits.v_min_pu, settings.limits.v_max_pu) == (
        0.917,
        1.058,
    )  # ANSI C84.1 Range B: 110, 127 of 120 V
    assert settings.storms[0].repairs == (180.0,)
    assert settings.devices.table is None


@pytest.mark.parametrize(
    "storm",
    [STORM, '[records]\noutages = "outages.csv"\n', "[draw]\nheld_out = 3\n"],
)
def test_storms_are_named_or_from_records_or_drawn(storm):
    read(BASE + storm)


def test_the_committed_study_is_valid_and_survives_its_own_dump():
    settings = read(STUDY.read_text())
    assert RestorationSettings.validated(settings.dump(), "dump") == settings


def test_one_repair_time_serves_all_faults_of_a_storm():
    storm = STORM.replace('["line.l52"]', '["line.l52", "line.l58"]')
    assert read(BASE + storm + "repair_min = 90\n").storms[0].repairs == (90.0, 90.0)
    assert read(BASE + storm + "repair_min = [60, 120]\n").storms[0].repairs == (60.0, 120.0)


def test_a_quick_run_is_smaller_and_otherwise_the_same():
    settings = read(BASE + '[records]\noutages = "o.csv"\nworst = 9\n[learning]\nepisodes = 5000\nseeds = 4\n')
    quick = settings.quick()
    assert (quick.learning.episodes, quick.learning.seeds, quick.records.worst) == (300, 2, 3)
    assert quick.model_copy(update={"learning": settings.learning, "records": settings.records}) == settings


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no storm: give [[storms]] with faults, [records], or draw.held_out"),
        (STORM + STORM, "two storms have the same name"),
        (STORM + "repair_min = -5\n", "repair times must not be negative"),
        (STORM + "repair_min = [60, 90]\n", "2 repair times are given for 1 faults"),
        (STORM + "repair_min = [-1]\n", "repair times must not be negative"),
        (STORM + "load_scale = -1\n", "storms.0.load_scale = -1 should be greater than or equal to 0"),
        (STORM + "repair = 5\n", "Unknown key 'storms.0.repair'"),
        ('[[storms]]\nname = "one"\n', "The key 'storms.0.faults' is missing."),
        (STORM + "[devices]\ncrew = 2\n", "Unknown key 'devices.crew': did you mean 'crews'?"),
        (STORM + "[devices]\ncrews = 0\n", "devices.crews = 0 should be greater than or equal to 1"),
        (
            STORM + "[devices]\ntravel_time_min = -1\n",
            "devices.travel_time_min = -1 should be greater than or equal to 0",
        ),
        (STORM + "[devices]\ndispatch_min = -0.5\n", "devices.dispatch_min = -0.5 should be"),
        (STORM + "[devices]\ndispatch_min = nan\n", "devices.dispatch_min = nan should be a finite number"),
        (STORM + "[customers]\nkw_per_customer = 0\n", "customers.kw_per_customer = 0 should be greater than 0"),
        (STORM + '[methods]\nrun = ["greedy", "greedy"]\n', "methods: name each method once, and at least one"),
        (STORM + "[methods]\nrun = []\n", "methods: name each method once, and at least one"),
        (
            STORM + '[methods]\nrun = ["gredy"]\n',
            "methods.run.0 = 'gredy' should be 'none', 'naive', 'greedy', 'learned' or",
        ),
        (STORM + "[limits]\nv_min_pu = 1.06\n", "v_min_pu = 1.06 must lie below v_max_pu = 1.058"),
        (STORM + "[limits]\nemergency_loading_max_pu = 0.9\n", "limits.emergency_loading_max_pu = 0.9 should be"),
        (STORM + "[limits]\nemergency_h = -1\n", "limits.emergency_h = -1 should be"),
        (STORM + "[draw]\nrepair_min = [300, 60]\n", "draw.repair_min: should rise from 0 or more"),
        (STORM + "[draw]\nload_scale = [-1, 1]\n", "draw.load_scale: should rise from 0 or more"),
        (STORM + "[draw]\nfaults = 0\n", "draw.faults = 0 should be"),
        (STORM + "[cold_load]\ntau_min = 0\n", "cold_load.tau_min = 0 should be"),
        (STORM + "[cold_load]\noutage_min = -10\n", "cold_load.outage_min = -10 should be"),
        (STORM + '[cold_load]\nfactors = "rough"\n', "cold_load.factors = 'rough' should be 'guide' or 'smooth'"),
        (STORM + "[costs]\nstorm_years = 0\n", "costs.storm_years = 0 should be"),
        ('[records]\noutages = "o.csv"\nworst = 0\n', "records.worst = 0 should be"),
        ("[records]\nworst = 3\n", "The key 'records.outages' is missing."),
    ],
)
def test_a_wrong_study_is_told(text, sentence):
    with pytest.raises(InputError) as error:
        read(BASE + text)
    assert sentence in str(error.value)
    assert str(error.value).startswith("study.toml: ")

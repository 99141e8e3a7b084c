"""Conductors against IEEE 738's example, manufacturers' ratings, the IEEE test feeders' matrices and OpenDSS."""

import math
import pickle
from pathlib import Path

import numpy as np
import pytest

from gridstudio.domain.conductors import (
    Catalogue,
    Conductor,
    RatingConditions,
    ampacity_a,
    rated,
    read_catalogue,
    standard_acsr,
)
from gridstudio.domain.line_constants import Structure, line_matrices, read_structures, standard_structures
from gridstudio.errors import InputError

KM_PER_MILE = 1.609344

# ------------------------------------------------------------------------------------------- rating

# IEEE 738-2012, the steady-state rating example: Drake 795 kcmil 26/7 ACSR at 100 C in air of 40 C, wind 0.61 m/s
# across the line, emissivity and absorptivity 0.8, sea level, 30 degrees north, 10 June, 11:00, line east-west, clear
# air: total flux 1027 W/m2 at an angle of 76.1 degrees to the conductor. Its answer: 81.9 + 39.1 - 22.4 W/m, 1025 A.
DRAKE = (0.02814, 0.07283, 0.08688)  # diameter in m, ohm/km at 25 C and at 75 C
EXAMPLE = RatingConditions(
    ambient_c=40,
    conductor_max_c=100,
    emissivity=0.8,
    absorptivity=0.8,
    irradiance_w_per_m2=1027 * math.sin(math.radians(76.1)),
)

# Published by a manufacturer (Southwire) for 75 C in air of 25 C, wind 2 ft/s, emissivity 0.5, in the sun.
PUBLISHED_RATING_A = {
    "ACSR_4_Swan": 140,
    "ACSR_2_Sparrow": 185,
    "ACSR_1_0_Raven": 240,
    "ACSR_2_0_Quail": 275,
    "ACSR_3_0_Pigeon": 315,
    "ACSR_4_0_Penguin": 365,
    "ACSR_266_Partridge": 455,
    "ACSR_336_Linnet": 530,
    "ACSR_397_Ibis": 590,
    "ACSR_477_Hawk": 660,
    "ACSR_556_Dove": 730,
    "ACSR_636_Grosbeak": 790,
    "ACSR_795_Drake": 910,
}


def test_rating_of_drake_is_that_of_the_ieee_738_example() -> None:
    # The standard rounds each heat flow to 0.1 W/m and takes 273 K for 0 C: about 1 A.
    assert ampacity_a(*DRAKE, EXAMPLE) == pytest.approx(1025, abs=2)


def test_rating_agrees_with_linerates_own_model_and_sun_position() -> None:
    from linerate.models.ieee738 import IEEE738
    from linerate.types import Conductor as ThermalConductor
    from linerate.types import Span, Tower, Weather

    drake = ThermalConductor(
        core_diameter=0.0104,
        conductor_diameter=0.02814,
        outer_layer_strand_diameter=0.0044,
        emissivity=0.8,
        solar_absorptivity=0.8,
        temperature1=25,
        temperature2=75,
        resistance_at_temperature1=7.283e-5,
        resistance_at_temperature2=8.688e-5,
        aluminium_cross_section_area=math.nan,
        constant_magnetic_effect=1,
        current_density_proportional_magnetic_effect=0,
        max_magnetic_core_relative_resistance_increase=1,
    )
    span = Span(drake, Tower(longitude=-0.001, latitude=30, altitude=0), Tower(0.001, 30, 0), num_conductors=1)
    weather = Weather(air_temperature=40, wind_direction=0.0, wind_speed=0.61, ground_albedo=0.5, clearness_ratio=1)
    model = IEEE738(span, weather, np.datetime64("2016-06-10T11:00"))
    theirs = model.compute_steady_state_ampacity(100, tolerance=1e-3)
    assert ampacity_a(*DRAKE, EXAMPLE) == pytest.approx(theirs, abs=0.5)


def test_catalogue_ampacities_are_the_computed_ratings_to_the_ampere() -> None:
    acsr = standard_acsr()
    np.testing.assert_array_equal(acsr.ampacity_a, np.round(rated(acsr, RatingConditions()).ampacity_a))


def test_catalogue_ampacities_agree_with_the_published_ratings() -> None:
    acsr = standard_acsr()
    assert set(acsr.names) == set(PUBLISHED_RATING_A)
    published = [PUBLISHED_RATING_A[name] for name in acsr.names]
    np.testing.assert_allclose(acsr.ampacity_a, published, rtol=0.015)  # they are rounded to 5 or 10 A


def test_rating_falls_with_heat_height_and_still_air_and_vanishes_when_the_sun_is_enough() -> None:
    standard = ampacity_a(*DRAKE)
    for worse in (
        RatingConditions(ambient_c=40),
        RatingConditions(elevation_m=2000),
        RatingConditions(wind_angle_deg=0),
        RatingConditions(wind_speed_m_per_s=0),
    ):
        assert ampacity_a(*DRAKE, worse) < standard
    sun_only = RatingConditions(ambient_c=74.9, wind_speed_m_per_s=0, absorptivity=0.9)
    assert ampacity_a(*DRAKE, sun_only) == 0


def test_impossible_rating_conditions_are_told_together() -> None:
    with pytest.raises(InputError, match=r"(?s)does not exceed ambient.*wind_angle_deg = 120.*emissivity"):
        RatingConditions(ambient_c=80, wind_angle_deg=120, emissivity=50)


# ---------------------------------------------------------------------------------------- catalogue

HEADER = "name,ampacity_a,cost_usd_per_km,selectable"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "conductors.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_catalogue_without_electrical_columns_is_read_and_says_so(tmp_path: Path) -> None:
    catalogue = read_catalogue(
        written(tmp_path, f"{HEADER}\nCA01,159,1834,no\nCA02,193,2977,yes\n\nCA05,348,12745,yes\n")
    )
    assert catalogue.names == ("CA01", "CA02", "CA05")
    assert catalogue.position("CA05") == 2
    assert catalogue.selectable_above(1).tolist() == [2]
    assert catalogue.selectable_above(-1).tolist() == [1, 2]
    assert not catalogue.has_impedance
    with pytest.raises(InputError, match=r"CA02.*no columns ac_resistance_ohm_per_km"):
        catalogue.conductor("CA02")
    with pytest.raises(InputError, match="cannot be rated"):
        rated(catalogue, RatingConditions())


def test_all_that_is_wrong_in_a_file_is_told_with_its_line(tmp_path: Path) -> None:
    text = (
        f"{HEADER},gmr_m\nA,100,-5,yes,0.001\na,abc,1,maybe,0.002\nB,90,nan,no,0.003\nC,90,1,no,0\nD,1\n,120,1,no,1\n"
    )
    with pytest.raises(InputError) as error:
        read_catalogue(written(tmp_path, text))
    for part in (
        "conductors.csv",
        "'ac_resistance_ohm_per_km' is missing",
        "'diameter_m' is missing",
        "line 2: cost_usd_per_km is '-5'",
        "line 3: ampacity_a is 'abc'",
        "line 3: name 'a' was already given in line 2",
        "line 3: selectable is 'maybe'",
        "line 4: cost_usd_per_km is 'nan'",
        "line 5: ampacity_a 90 does not exceed the 90 above it",
        "line 5: gmr_m is '0'",
        "line 6 has 2 cells",
        "line 7: the name is empty",
    ):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'name' is missing"),
        (HEADER, "no conductor"),
        ("name,ampacity_a,selectable\nA,1,yes", "'cost_usd_per_km' is missing"),
        (f"{HEADER}\nA,1,1,no", "no conductor is selectable"),
        (f"{HEADER},name\nA,1,1,yes,A", "'name' occurs twice"),
        (f"{HEADER},gmr_m,diameter_m,ac_resistance_ohm_per_km\nA,1,1,yes,0.0244,0.0183,0.2", "are both in m"),
        (f"{HEADER},ac_resistance_25c_ohm_per_km,ac_resistance_75c_ohm_per_km\nA,1,1,yes,0.3,0.2", "not above"),
    ],
)
def test_what_makes_a_catalogue_unusable(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_catalogue(written(tmp_path, text))


def test_missing_and_unreadable_files_are_input_errors(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        read_catalogue(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("name\nL\xe4rche".encode("latin-1"))
    with pytest.raises(InputError, match="UTF-8"):
        read_catalogue(tmp_path / "latin.csv")


def test_catalogue_is_constant_and_travels_to_workers() -> None:
    acsr = standard_acsr()
    with pytest.raises(ValueError, match="read-only"):
        acsr.ampacity_a[0] = 1.0
    copy: Catalogue = pickle.loads(pickle.dumps(acsr))
    assert copy.position("ACSR_795_Drake") == len(acsr) - 1


def test_unknown_conductor_is_answered_with_the_nearest_names() -> None:
    with pytest.raises(InputError, match="'ACSR_336_Linet' is not in the catalogue; it has ACSR_336_Linnet"):
        standard_acsr().position("ACSR_336_Linet")


def test_resistance_falls_and_cost_rises_through_the_standard_sizes() -> None:
    acsr = standard_acsr()
    assert acsr.ac_resistance_ohm_per_km is not None
    assert np.all(np.diff(acsr.ac_resistance_ohm_per_km) < 0)
    assert np.all(np.diff(acsr.cost_usd_per_km) > 0)
    assert acsr.selectable.sum() == 5


def test_standard_costs_follow_the_nrel_table_of_reconductored_three_phase_lines() -> None:
    # Ampacity and USD per metre of the distinct three-phase overhead rows of NREL's generic cost database (DISCO).
    nrel = {325: 820.21, 350: 853.02, 445: 918.64, 465: 951.44, 475: 951.44, 595: 1082.68, 900: 1377.95, 960: 1443.57}
    acsr = standard_acsr()
    law_usd_per_km = (150 + 0.3 * acsr.ampacity_a) / 0.3048 * 1000
    np.testing.assert_allclose(acsr.cost_usd_per_km, law_usd_per_km, atol=500)
    for ampacity, usd_per_m in nrel.items():
        assert (150 + 0.3 * ampacity) / 0.3048 == pytest.approx(usd_per_m, rel=0.02)


# ------------------------------------------------------------------------------------ line constants

# Phase resistance and reactance (ohm/mile) and susceptance (uS/mile) of overhead configurations, upper triangles by
# rows, as the documents of the IEEE 123, 13 and 34 node test feeders print them; before them spacing, phasing by
# position, phase wire and neutral.
PUBLISHED_LINES = {
    "123-1": ("500", "ABC", "336_Linnet", "4_0_Penguin",
              [0.4576, 0.1560, 0.1535, 0.4666, 0.1580, 0.4615],
              [1.0780, 0.5017, 0.3849, 1.0482, 0.4236, 1.0651],
              [5.6765, -1.8319, -0.6982, 5.9809, -1.1645, 5.3971]),
    "123-7": ("505", "AC", "336_Linnet", "4_0_Penguin",
              [0.4576, 0.1535, 0.4615], [1.0780, 0.3849, 1.0651], [5.1154, -1.0549, 5.1704]),
    "123-9": ("510", "A", "1_0_Raven", "1_0_Raven", [1.3292], [1.3475], [4.5193]),
    "13-601": ("500", "BAC", "556_Dove", "4_0_Penguin",
               [0.3465, 0.1560, 0.1580, 0.3375, 0.1535, 0.3414],
               [1.0179, 0.5017, 0.4236, 1.0478, 0.3849, 1.0348],
               [6.2998, -1.9958, -1.2595, 5.9597, -0.7417, 5.6386]),
    "13-602": ("500", "CAB", "4_0_Penguin", "4_0_Penguin",
               [0.7526, 0.1580, 0.1560, 0.7475, 0.1535, 0.7436],
               [1.1814, 0.4236, 0.5017, 1.1983, 0.3849, 1.2112],
               [5.6990, -1.0817, -1.6905, 5.1795, -0.6588, 5.4246]),
    "34-300": ("500", "BAC", "1_0_Raven", "1_0_Raven",
               [1.3368, 0.2101, 0.2130, 1.3238, 0.2066, 1.3294],
               [1.3343, 0.5779, 0.5015, 1.3569, 0.4591, 1.3471],
               [5.3350, -1.5313, -0.9943, 5.0979, -0.6212, 4.8880]),
    "34-301": ("500", "BAC", "2_Sparrow", "2_Sparrow",
               [1.9300, 0.2327, 0.2359, 1.9157, 0.2288, 1.9219],
               [1.4115, 0.6442, 0.5691, 1.4281, 0.5238, 1.4209],
               [5.1207, -1.4364, -0.9402, 4.9055, -0.5951, 4.7154]),
    "34-302": ("510", "A", "4_Swan", "4_Swan", [2.7995], [1.4855], [4.2251]),
}  # fmt: skip


def upper(matrix: np.ndarray) -> np.ndarray:
    return matrix[np.triu_indices(len(matrix))]


def matrices(spacing: str, phases: str, wire: str, neutral: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    acsr, structures = standard_acsr(), standard_structures()
    return line_matrices(acsr.conductor(f"ACSR_{wire}"), acsr.conductor(f"ACSR_{neutral}"), structures[spacing], phases)


@pytest.mark.parametrize("configuration", PUBLISHED_LINES)
def test_impedance_is_the_published_one_of_the_ieee_test_feeders(configuration: str) -> None:
    *line, r_published, x_published, _ = PUBLISHED_LINES[configuration]
    r, x, _ = matrices(*line)
    np.testing.assert_allclose(upper(r) * KM_PER_MILE, r_published, atol=1e-4)  # four printed decimals
    np.testing.assert_allclose(upper(x) * KM_PER_MILE, x_published, atol=1e-4)


@pytest.mark.parametrize("configuration", PUBLISHED_LINES)
def test_capacitance_is_the_published_one_of_the_ieee_test_feeders(configuration: str) -> None:
    *line, _, _, published = PUBLISHED_LINES[configuration]
    *_, c = matrices(*line)
    ours_us_per_mile = 2 * math.pi * 60 * upper(c) * 1e-3 * KM_PER_MILE
    # IEEE takes 8.848e-12 F/m for air, 0.07 % below the vacuum's; the older IEEE 34 document differs by up to 0.7 %.
    np.testing.assert_allclose(ours_us_per_mile, published, rtol=8e-3 if configuration.startswith("34") else 8e-4)


def test_matrices_agree_with_opendss_line_geometry() -> None:
    """Second method: OpenDSS with the same two-term Carson earth model; its earth radius constant is rounded."""
    dss = pytest.importorskip("opendssdirect").dss.NewContext()
    acsr, spacing = standard_acsr(), standard_structures()["500"]
    phase, neutral = acsr.conductor("ACSR_477_Hawk"), acsr.conductor("ACSR_1_0_Raven")
    assert spacing.neutral_m is not None
    x, h = zip(*spacing.phases_m, spacing.neutral_m, strict=True)
    commands = [
        "clear",
        "new circuit.test",
        "set earthmodel=carson",
        *(
            f"new wiredata.{w.name} rac={w.ac_resistance_ohm_per_km} runits=km gmrac={w.gmr_m} gmrunits=m "
            f"diam={w.diameter_m} radunits=m"
            for w in (phase, neutral)
        ),
        f"new linespacing.s nconds=4 nphases=3 units=m x={list(x)} h={list(h)}",
        "new linegeometry.g nconds=4 nphases=3 spacing=s reduce=yes "
        f"wires=[{phase.name} {phase.name} {phase.name} {neutral.name}]",
        "new line.l bus1=sourcebus bus2=end geometry=g length=1 units=km rho=250",
        "solve",
    ]
    for command in commands:
        dss.Text.Command(command)
    dss.Circuit.SetActiveElement("line.l")
    theirs = (np.reshape(values, (3, 3)) for values in (dss.Lines.RMatrix(), dss.Lines.XMatrix(), dss.Lines.CMatrix()))
    ours = line_matrices(phase, neutral, spacing, "ABC", earth_resistivity_ohm_m=250)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=3e-4)


def test_one_wire_over_earth_by_hand() -> None:
    """Kersting's constants, 0.09530 + j 0.12134 (ln 1/GMR[ft] + 7.93402) ohm/mile, and 2 pi eps / ln(2 h / r)."""
    wire = Conductor("wire", ac_resistance_ohm_per_km=0.2, gmr_m=0.0244 * 0.3048, diameter_m=0.02)
    r, x, c = line_matrices(wire, None, Structure("pole", ((0.0, 10.0),)), "B")
    assert r.shape == x.shape == c.shape == (1, 1)
    assert r[0, 0] == pytest.approx(0.2 + 0.09530 / KM_PER_MILE, rel=1e-4)
    assert x[0, 0] == pytest.approx(0.12134 * (math.log(1 / 0.0244) + 7.93402) / KM_PER_MILE, rel=1e-4)
    assert c[0, 0] == pytest.approx(2 * math.pi * 8.8542e-3 / math.log(2 * 10 / 0.01) * 1e3, rel=1e-4)


def test_phasing_moves_rows_and_columns_only() -> None:
    abc = matrices("500", "ABC", "336_Linnet", "4_0_Penguin")
    cab = matrices("500", "CAB", "336_Linnet", "4_0_Penguin")
    positions = np.ix_([1, 2, 0], [1, 2, 0])  # of A, B, C when C, A, B stand in line
    for straight, moved in zip(abc, cab, strict=True):
        np.testing.assert_allclose(moved, straight[positions])


def test_wrong_phasing_and_missing_neutral_place_are_told() -> None:
    wire, structures = standard_acsr().conductor("ACSR_1_0_Raven"), standard_structures()
    for phases in ("AB", "ABB", "ABN", "abc"):
        with pytest.raises(InputError, match=f"carries 3 phases, but phases = '{phases}'"):
            line_matrices(wire, wire, structures["500"], phases)
    with pytest.raises(InputError, match="no place for a neutral"):
        line_matrices(wire, wire, Structure("pole", ((0.0, 9.0),)), "A")


def test_structures_with_faults_are_refused(tmp_path: Path) -> None:
    text = "structure,wire,x_m,height_m\nS,1,0,8\nS,4,-1,8\nS,N,0,-7\nS,1,0,9\n"
    with pytest.raises(InputError, match=r"(?s)line 4: height_m is '-7'.*line 3: wire is '4'.*line 5: .*already"):
        read_structures(written(tmp_path, text))

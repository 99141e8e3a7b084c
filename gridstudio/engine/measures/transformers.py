"""Changes of transformers and of the regulators on them."""

from typing import Any

from gridstudio.domain.changes import ReplaceTransformer, SetRegulator
from gridstudio.engine.edits import Edits, State, admittance, array, settings
from gridstudio.engine.inventory import Inventory, unknown

# -- what does not fit ----------------------------------------------------------------------------------------------


def replace_misfits(inventory: Inventory, change: ReplaceTransformer) -> list[str]:
    name, known = change.transformer, inventory.network.transformer_row
    if name not in known:
        return [unknown("transformer", name, known)]
    wrong = []
    if not 0 < change.kva < float("inf"):
        wrong.append(f"Transformer {name!r}: the new rating of {change.kva:g} kVA is not a positive number.")
    if change.percent_r is not None and not 0 <= change.percent_r < 100:
        wrong.append(f"Transformer {name!r}: a resistance of {change.percent_r:g} % is not between 0 and 100.")
    if change.percent_x is not None and not 0 < change.percent_x < 100:
        wrong.append(f"Transformer {name!r}: a reactance of {change.percent_x:g} % is not between 0 and 100.")
    return wrong


def regulator_misfits(inventory: Inventory, change: SetRegulator) -> list[str]:
    name = change.regulator
    if name not in inventory.regulators:
        return [unknown("regulator", name, inventory.regulators)]
    wrong = []
    if not inventory.controls_act:
        wrong.append(f"Regulator {name!r}: settings do nothing while the controls of the feeder are off.")
    if change.vreg_v is not None and not 0 < change.vreg_v < float("inf"):
        wrong.append(f"Regulator {name!r}: a set point of {change.vreg_v:g} V is not a positive number.")
    if change.band_v is not None and not 0 < change.band_v < float("inf"):
        wrong.append(f"Regulator {name!r}: a bandwidth of {change.band_v:g} V is not a positive number.")
    wrong += [
        f"Regulator {name!r}: a line drop compensation of {value:g} V is not a finite number."
        for value in (change.r_v, change.x_v)
        if value is not None and not abs(value) < float("inf")
    ]
    return wrong


# -- what is done ---------------------------------------------------------------------------------------------------


def replace_transformer(edits: Edits, change: ReplaceTransformer) -> None:
    dss, element = edits.dss, f"transformer.{change.transformer}"
    edits.watch(element, _at_neutral(dss, change.transformer))
    now = settings(dss, element)
    old = edits.found.setdefault(element, now)
    times = change.kva / max(old["kVAs"])
    new = {
        "kVAs": [times * kva for kva in old["kVAs"]],
        "NormHkVA": times * old["NormHkVA"],
        "EmergHkVA": times * old["EmergHkVA"],
        **_impedance(old, change),
    }
    edits.run(f'edit "{element}" {_text({**old, **new})}', f'edit "{element}" {_text(now)}')


def _impedance(old: dict[str, Any], change: ReplaceTransformer) -> dict[str, Any]:
    """The new percentages; windings keep their shares, resistance that was none is shared equally."""
    new: dict[str, Any] = {}
    if change.percent_r is not None:
        today = old["pctRs"][0] + old["pctRs"][1]
        rest = [0.5 * change.percent_r] * len(old["pctRs"])
        new["pctRs"] = [change.percent_r * r / today for r in old["pctRs"]] if today > 0 else rest
    if change.percent_x is not None:
        times = change.percent_x / old["XHL"]
        new |= {name: times * old[name] for name in ("XHL", "XHT", "XLT")}
        new["XSCArray"] = [times * x for x in old["XSCArray"]]
    return new


def _text(of: dict[str, Any]) -> str:
    """Ratings and impedances of a transformer as OpenDSS reads them."""
    more = len(of["kVAs"]) > 3  # then the three reactances do not say all
    reactance = (
        f"xscarray={array(of['XSCArray'])}" if more else f"xhl={of['XHL']!r} xht={of['XHT']!r} xlt={of['XLT']!r}"
    )
    # the ratings of the loading come last: a new kVA brings its own
    return (
        f"kvas={array(of['kVAs'])} %rs={array(of['pctRs'])} {reactance} "
        f"normhkva={of['NormHkVA']!r} emerghkva={of['EmergHkVA']!r}"
    )


def _at_neutral(dss: Any, name: str) -> State:
    """A transformer's admittance at nominal taps and its settings: taps move by themselves."""
    element = f"transformer.{name}"

    def state() -> tuple[Any, ...]:
        taps = _taps(dss, name)
        _set_taps(dss, name, [1.0] * len(taps))
        found = admittance(dss, element)
        _set_taps(dss, name, taps)
        return found, settings(dss, element)

    return state


def _taps(dss: Any, name: str) -> list[float]:
    dss.Transformers.Name(name)
    taps = []
    for winding in range(1, dss.Transformers.NumWindings() + 1):
        dss.Transformers.Wdg(winding)
        taps.append(float(dss.Transformers.Tap()))
    return taps


def _set_taps(dss: Any, name: str, taps: list[float]) -> None:
    dss.Transformers.Name(name)
    for winding, tap in enumerate(taps, start=1):
        dss.Transformers.Wdg(winding)
        dss.Transformers.Tap(tap)


def set_regulator(edits: Edits, change: SetRegulator) -> None:
    dss, element = edits.dss, f"regcontrol.{change.regulator}"
    edits.watch(element, lambda: (settings(dss, element),))
    old = settings(dss, element)
    wanted = {"VReg": change.vreg_v, "Band": change.band_v, "R": change.r_v, "X": change.x_v}
    new = {name: float(value) for name, value in wanted.items() if value is not None}
    if new:
        before = {name: old[name] for name in new}
        edits.run(f'edit "{element}" {_pairs(new)}', f'edit "{element}" {_pairs(before)}')


def _pairs(of: dict[str, float]) -> str:
    return " ".join(f"{name.lower()}={value!r}" for name, value in of.items())

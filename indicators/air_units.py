"""Gas concentrations from volume to mass and back, at the reference conditions of the authority that asks."""

from indicators.errors import IndicatorError
from indicators.thresholds import table_for


def mass_per_volume_part(gas: str, authority: str) -> float:
    """Return ug/m3 per ppb (which is mg/m3 per ppm) of `gas` at the reference conditions of `authority`.

    `gas` is one of no2, o3, so2, co, no; `authority` one of eu (20 C), us and china (25 C), all at 101.325 kPa.
    From the ideal gas: molar mass over molar volume, Vm = R T / P in L/mol.
    """
    table = table_for("gas_units")
    masses, conditions = table.section("molar_mass"), table.section("conditions")
    if gas not in masses:
        raise IndicatorError(f"no molar mass of {gas!r}; there are {', '.join(masses)}")
    if authority not in conditions:
        raise IndicatorError(f"no reference conditions of {authority!r}; there are {', '.join(conditions)}")
    at = conditions[authority]
    molar_volume = table.section("gas_constant") * at["kelvin"] / at["kilopascal"]
    return float(masses[gas] / molar_volume)


def to_mass(gas: str, volume_parts: float, authority: str) -> float:
    """Return ug/m3 for ppb, or mg/m3 for ppm."""
    return volume_parts * mass_per_volume_part(gas, authority)


def to_volume_parts(gas: str, mass: float, authority: str) -> float:
    """Return ppb for ug/m3, or ppm for mg/m3."""
    return mass / mass_per_volume_part(gas, authority)

import pytest

from devices.properties import PROPERTIES
from devices.units import SPELLINGS, UNITS, conversion


@pytest.mark.parametrize(
    ("value", "unit", "name", "expected"),
    [
        (68, "degF", "air_temperature", 20),
        (300, "K", "air_temperature", 26.85),
        (21, "°C", "air_temperature", 21),
        (460, "mm", "distance", 46),
        (1.2, "m", "distance", 120),
        (100246, "Pa", "air_pressure", 1002.46),
        (1013, "mbar", "air_pressure", 1013),
        (36, "km/h", "wind_speed", 10),
        (10, "m/s", "vehicle_speed", 36),
        (30, "mph", "vehicle_speed", 48.28032),
        (3061, "mV", "battery_voltage", 3.061),
        (0.5, "/", "occupancy", 50),
        (61, "%RH", "relative_humidity", 61),
        (12, "µg/m³", "pm2_5", 12),
        (0.07, "mg/m3", "formaldehyde", 70),
        (400, "ppm", "co2", 400),
        (0.4, "ppm", "tvoc", 400),
        (1, "t", "container_weight", 1000),
        (90, "s", "travel_time", 90),
        (1.5, "min", "travel_time", 90),
        (65, "dBA", "sound_level", 65),
        (-80, "dBm", "rssi", -80),
    ],
)
def test_what_vendors_write_becomes_the_catalogues_unit(value: float, unit: str, name: str, expected: float) -> None:
    to_catalogue = conversion(unit, name)
    assert value * to_catalogue.scale + to_catalogue.offset == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("value", "unit", "name", "expected"),
    [
        (50, "ppb", "no2", 95.625),
        (1, "ppb", "o3", 1.9953),
        (1, "ppb", "so2", 2.6633),
        (1, "ppm", "co", 1.1644),
        (1, "ppb", "no", 1.2474),
    ],
)
def test_gases_become_mass_at_20_degrees(value: float, unit: str, name: str, expected: float) -> None:
    assert value * conversion(unit, name).scale == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize(
    ("unit", "name", "reason"),
    [
        ("furlong", "distance", "furlong is not a unit known here; distance is kept in cm"),
        ("Cel", "distance", "Cel does not measure distance"),
        ("ppb", "pm2_5", "ppb does not measure pm2_5"),
        ("", "distance", "is not a unit known here"),
    ],
)
def test_an_unknown_or_foreign_unit_is_refused_by_name(unit: str, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        conversion(unit, name)


def test_every_unit_of_the_catalogue_can_be_converted_to() -> None:
    for name, observed in PROPERTIES.items():
        assert conversion(observed.unit, name).scale == 1.0
    assert set(SPELLINGS.values()) <= set(UNITS)

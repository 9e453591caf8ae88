"""Faults: how a device's readings come to differ from the world. Values in, values out; nothing is published here."""

from collections.abc import Callable

from simulators.city import SimulatedDevice
from simulators.planting import Planted
from simulators.randomness import normal, uniform

Values = dict[str, float | None]
Fault = Callable[[Values, Planted, SimulatedDevice, float], Values]

# one natural step of each property: what offset, drift and noise are measured in
STEP = {
    "vehicle_flow": 240.0,
    "vehicle_speed": 9.0,
    "occupancy": 4.0,
    "fill_level": 12.0,
    "bin_temperature": 5.0,
    "pm2_5": 12.0,
    "pm10": 18.0,
    "no2": 15.0,
    "o3": 18.0,
    "air_temperature": 4.0,
    "relative_humidity": 10.0,
}
# the property that a fault of one channel hits when none is named
MAIN = {"traffic": "vehicle_speed", "waste": "fill_level", "air": "pm2_5", "health": "battery_voltage"}


def main_property(planted: Planted, device: SimulatedDevice) -> str:
    """Return the property that a fault of one channel hits."""
    return str(planted.parameters.get("property") or MAIN[device.domain])


def _changed(values: Values, name: str, change: Callable[[float], float]) -> Values:
    old = values.get(name)
    return values if old is None else {**values, name: round(change(old), 2)}


def _offset(values: Values, planted: Planted, device: SimulatedDevice, _seconds: float) -> Values:
    name = main_property(planted, device)
    by = planted.parameters.get("steps", 4.0) * STEP.get(name, 1.0)
    return _changed(values, name, lambda value: value + by)


def _drift(values: Values, planted: Planted, device: SimulatedDevice, seconds: float) -> Values:
    name = main_property(planted, device)
    per_hour = planted.parameters.get("steps_per_hour", 0.5) * STEP.get(name, 1.0)
    return _changed(values, name, lambda value: value + per_hour * planted.progress(seconds) / 3600)


def _noise(values: Values, planted: Planted, device: SimulatedDevice, seconds: float) -> Values:
    name = main_property(planted, device)
    by = planted.parameters.get("steps", 1.5) * STEP.get(name, 1.0) * normal(device.key + 80, int(seconds))
    return _changed(values, name, lambda value: max(0.0, value + by))


def _spike(values: Values, planted: Planted, device: SimulatedDevice, seconds: float) -> Values:
    """One reading in six leaps far up and is back at the next."""
    if uniform(device.key + 81, int(seconds)) > planted.parameters.get("share", 0.17):
        return values
    name = main_property(planted, device)
    by = planted.parameters.get("steps", 14.0) * STEP.get(name, 1.0)
    return _changed(values, name, lambda value: value + by)


def _unit_slip(values: Values, planted: Planted, device: SimulatedDevice, _seconds: float) -> Values:
    """After an update the device speaks miles, Fahrenheit or milligrams."""
    name = main_property(planted, device)
    slips: dict[str, Callable[[float], float]] = {
        "vehicle_speed": lambda v: v / 1.609344,
        "air_temperature": lambda v: v * 1.8 + 32,
        "bin_temperature": lambda v: v * 1.8 + 32,
        "fill_level": lambda v: v / 100,
    }
    return _changed(values, name, slips.get(name, lambda v: v / 1000))


def _battery_decline(values: Values, planted: Planted, _device: SimulatedDevice, seconds: float) -> Values:
    lasts = (planted.end - planted.start).total_seconds()
    left = planted.parameters.get("to", 5.0)
    return _changed(values, "battery", lambda v: v + (left - v) * min(1.0, planted.progress(seconds) / (0.8 * lasts)))


VALUE_FAULTS: dict[str, Fault] = {
    "offset": _offset,
    "drift": _drift,
    "noise": _noise,
    "spike": _spike,
    "unit_slip": _unit_slip,
    "battery_decline": _battery_decline,
}
# nothing is heard from the device while one of these holds
SILENT = frozenset({"dropout", "power_cut", "gateway_down"})
# the values of the moment it began are repeated
FROZEN = frozenset({"stuck"})


def disturb(values: Values, planted: list[Planted], device: SimulatedDevice, seconds: float) -> Values:
    """Return the values as the device's faults let them through."""
    for one in planted:
        fault = VALUE_FAULTS.get(one.kind)
        if fault is not None and one.holds(seconds):
            values = fault(values, one, device, seconds)
    return values

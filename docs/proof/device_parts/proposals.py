"""The proposer on twenty samples drawn by a stated seed, judged against what a person says each field is.

The seed was drawn once, after the proposer was finished; models looked at while it was mended (the twenty of
`MENDED_ON`) are not in the draw. What follows was written down from the vendors' documentation and decoders.
"""

import random

from devices.proposal import propose
from devices.units import conversion
from docs.proof.shared_data import data_folder
from tests.unit.devices.vectors import read_vectors

MENDED_ON, SEED, SAMPLES = 7_2026, 20261125, 20
LEAST = 0.8
TH = {"temperature": ("air_temperature", "Cel"), "humidity": ("relative_humidity", "%")}
AIR = TH | {"co2": ("co2", "[ppm]"), "pressure": ("air_pressure", "hPa")}
# profile -> field: (property, unit) of every field that the catalogue has a place for
TRUTH: dict[str, dict[str, tuple[str, str]]] = {
    "browan/merryiot-cd10": TH | {"battery_volt": ("battery_voltage", "V"), "co2_ppm": ("co2", "[ppm]")},
    "milesight/am308": AIR | {"pm2_5": ("pm2_5", "ug/m3"), "pm10": ("pm10", "ug/m3")},  # its tvoc is a rating
    "netvox/r718pe": {},  # its versions
    "example/windsensor": {"speed": ("wind_speed", "[kn_i]")},
    "browan/tbms100": {"battery": ("battery_voltage", "V")},
    "sensecap/sensecap210x": {"messages.1.battery": ("battery", "%")},
    "milesight/vs135": {"line_1_total_in": ("people_in", ""), "line_1_total_out": ("people_out", "")},
    "dragino/lht65n": {
        "BatV": ("battery_voltage", "V"),
        "TempC_SHT": ("air_temperature", "Cel"),
        "Hum_SHT": ("relative_humidity", "%"),
    },
    "netvox/rb11e": {},  # an answer to a setting
    "milesight/vs121": {"people_in": ("people_in", ""), "people_out": ("people_out", "")},
    "decentlab/dl-isd": {"battery_voltage.value": ("battery_voltage", "V")},
    "dragino/ldds20": {},  # no sensor
    "milesight/am307": AIR,
    "elsys/ers-co2-lite": TH | {"co2": ("co2", "[ppm]")},
    "milesight/vs351": {"temperature": ("air_temperature", "Cel")},
    "noah/trashbin-sensor": {
        "temp": ("bin_temperature", "Cel"),
        "voltage": ("battery_voltage", "mV"),
        "level": ("distance", "cm"),
    },
    "browan/tabs-tbms100": {"battery_volt": ("battery_voltage", "V"), "temperature": ("air_temperature", "Cel")},
    "netvox/ra02a": {"Volt": ("battery_voltage", "V"), "Temp": ("air_temperature", "Cel")},
    "teneo-iot/co2-stoplicht": {
        "battery": ("battery_voltage", "V"),
        "co2": ("co2", "[ppm]"),
        "temperature": ("air_temperature", "Cel"),
        "relativeHumidity": ("relative_humidity", "%"),
    },
    "netvox/r718pa22": {},  # an answer to a setting
}


def prove_proposals() -> dict[str, object]:
    """Count fields mapped to the right property and unit; a field that is none and mapped is a miss as well."""
    samples = [vector for vector in read_vectors(data_folder()) if isinstance(vector.data, dict)]
    models = sorted({vector.profile for vector in samples})
    mended_on = set(random.Random(MENDED_ON).sample(models, SAMPLES))
    draw = random.Random(SEED)
    right, judged, missed = 0, 0, []
    for model in draw.sample([model for model in models if model not in mended_on], SAMPLES):
        data = draw.choice([vector.data for vector in samples if vector.profile == model])
        assert isinstance(data, dict)
        proposed = {one.path: (one.property, one.unit) for one in propose([data])}
        for path in proposed.keys() | TRUTH[model].keys():
            wanted, given = TRUTH[model].get(path), proposed.get(path)
            judged += 1
            if wanted is not None and given is not None and _means(*given) == _means(*wanted):
                right += 1
            else:
                missed.append(f"{model} {path}: proposed {given}, it is {wanted}")
    share = right / judged
    assert share >= LEAST, f"{right} of {judged}: {missed}"
    return {
        "seed": SEED,
        "samples": SAMPLES,
        "fields": judged,
        "right": right,
        "share": round(share, 3),
        "missed": sorted(missed),
    }


def _means(name: str, unit: str) -> tuple[object, ...]:
    """Return a mapping in a form in which two spellings of one unit are the same."""
    return name, conversion(unit, name) if unit else None

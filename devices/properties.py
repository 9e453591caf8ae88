"""The observed-property catalogue: what may be measured, in which UCUM unit, within which physical range.

There is deliberately no place here for licence plates, faces, MAC or Bluetooth addresses: see FORBIDDEN.
"""

from dataclasses import dataclass

from devices.model import Domain

_BASE = "https://citywatch.example/def/"


@dataclass(frozen=True, slots=True)
class ObservedProperty:
    """One thing that can be observed. `low` and `high` bound what is physically possible, in `unit`."""

    name: str
    label: str
    unit: str
    low: float
    high: float
    domain: Domain
    circular: bool = False

    @property
    def definition(self) -> str:
        """Return the URI that stands for this property in exports."""
        return _BASE + self.name


def _catalogue(*rows: tuple[str, str, str, float, float, Domain]) -> dict[str, ObservedProperty]:
    return {row[0]: ObservedProperty(*row, circular=row[0].endswith("_direction")) for row in rows}


T, W, A, M, N, H = Domain.TRAFFIC, Domain.WASTE, Domain.AIR, Domain.WEATHER, Domain.NOISE, Domain.HEALTH

# name, label, UCUM unit, lowest and highest possible value, domain
PROPERTIES = _catalogue(
    ("vehicle_flow", "Vehicle flow", "{vehicles}/h", 0, 20000, T),
    ("vehicle_count", "Vehicle count", "{vehicles}", 0, 1e9, T),
    ("vehicle_speed", "Mean speed", "km/h", 0, 250, T),
    ("vehicle_speed_p85", "85th percentile speed", "km/h", 0, 250, T),
    ("occupancy", "Detector occupancy", "%", 0, 100, T),
    ("travel_time", "Travel time", "s", 0, 86400, T),
    ("heavy_flow", "Heavy vehicle flow", "{vehicles}/h", 0, 20000, T),
    ("car_flow", "Car flow", "{vehicles}/h", 0, 20000, T),
    ("bicycle_flow", "Bicycle flow", "{bicycles}/h", 0, 20000, T),
    ("pedestrian_flow", "Pedestrian flow", "{persons}/h", 0, 100000, T),
    ("people_count", "People count", "{persons}", 0, 1e9, T),
    ("people_in", "People who came in", "{persons}", 0, 1e9, T),
    ("people_out", "People who went out", "{persons}", 0, 1e9, T),
    ("occupied", "Space occupied", "1", 0, 1, T),
    ("parking_occupied", "Parking space occupied", "1", 0, 1, T),
    ("counter_uptime", "Share of the hour counted", "%", 0, 100, T),
    ("fill_level", "Fill level", "%", 0, 100, W),
    ("distance", "Distance to content", "cm", 0, 2000, W),
    ("bin_temperature", "Temperature in the bin", "Cel", -60, 1000, W),
    ("tilt", "Tilt from upright", "deg", 0, 180, W),
    ("lid_open", "Lid open", "1", 0, 1, W),
    ("container_weight", "Content weight", "kg", 0, 50000, W),
    ("pm1_0", "PM1", "ug/m3", 0, 5000, A),
    ("pm2_5", "PM2.5", "ug/m3", 0, 5000, A),
    ("pm4_0", "PM4", "ug/m3", 0, 5000, A),
    ("pm10", "PM10", "ug/m3", 0, 10000, A),
    ("o3", "Ozone", "ug/m3", -20, 2000, A),
    ("no2", "Nitrogen dioxide", "ug/m3", -20, 5000, A),
    ("no", "Nitrogen monoxide", "ug/m3", -20, 5000, A),
    ("nox", "Nitrogen oxides", "[ppb]", -20, 10000, A),
    ("so2", "Sulphur dioxide", "ug/m3", -20, 10000, A),
    ("co", "Carbon monoxide", "mg/m3", -1, 200, A),
    ("co2", "Carbon dioxide", "[ppm]", 0, 50000, A),
    ("h2s", "Hydrogen sulphide", "ug/m3", -20, 10000, A),
    ("nh3", "Ammonia", "ug/m3", -20, 100000, A),
    ("formaldehyde", "Formaldehyde", "ug/m3", -5, 10000, A),
    ("benzene", "Benzene", "ug/m3", -5, 1000, A),
    ("nmhc", "Non-methane hydrocarbons", "ug/m3", -50, 10000, A),
    ("tvoc", "Total volatile organic compounds", "[ppb]", 0, 60000, A),
    ("voc_index", "VOC index", "1", 0, 500, A),
    ("nox_index", "NOx index", "1", 0, 500, A),
    ("metal_oxide_co", "Metal-oxide response, CO", "1", 0, 100000, A),
    ("metal_oxide_nmhc", "Metal-oxide response, NMHC", "1", 0, 100000, A),
    ("metal_oxide_nox", "Metal-oxide response, NOx", "1", 0, 100000, A),
    ("metal_oxide_no2", "Metal-oxide response, NO2", "1", 0, 100000, A),
    ("metal_oxide_o3", "Metal-oxide response, O3", "1", 0, 100000, A),
    ("air_temperature", "Air temperature", "Cel", -60, 70, M),
    ("relative_humidity", "Relative humidity", "%", 0, 105, M),
    ("absolute_humidity", "Absolute humidity", "g/m3", 0, 100, M),
    ("dew_point", "Dew point", "Cel", -90, 50, M),
    ("air_pressure", "Air pressure", "hPa", 300, 1200, M),
    ("wind_speed", "Wind speed", "m/s", 0, 120, M),
    ("wind_direction", "Wind direction", "deg", 0, 360, M),
    ("rainfall", "Rain", "mm", 0, 1000, M),
    ("snowfall", "Snow", "mm", 0, 5000, M),
    ("cloud_cover", "Cloud cover", "%", 0, 100, M),
    ("illuminance", "Illuminance", "lx", 0, 200000, M),
    ("solar_radiation", "Solar radiation", "W/m2", 0, 2000, M),
    ("sound_level", "Sound level (LAeq)", "dB[A]", 0, 160, N),
    ("sound_level_max", "Sound level (LAmax)", "dB[A]", 0, 160, N),
    ("battery", "Battery", "%", 0, 100, H),
    ("battery_voltage", "Battery voltage", "V", 0, 60, H),
    ("publish_to_visible", "From publishing to being seen", "s", 0, 86400, H),
    ("rssi", "Signal strength", "dB[mW]", -200, 20, H),
    ("snr", "Signal to noise", "dB", -60, 60, H),
    # Worked out from others, see DERIVED.
    ("us_aqi", "US air quality index (NowCast)", "1", 0, 20000, A),
    ("european_aqi", "European air quality level", "1", 1, 6, A),
    ("nowcast_pm2_5", "PM2.5 NowCast", "ug/m3", 0, 5000, A),
    ("level_of_service", "Level of service, 1 = A to 6 = F", "1", 1, 6, T),
    ("travel_time_index", "Travel-time index", "1", 0, 1000, T),
    ("fill_rate", "Fill rate", "%/h", 0, 6000, W),
    ("time_to_full", "Time to full", "h", 0, 1344, W),
    ("time_to_full_low", "Time to full, at least (90 % band)", "h", 0, 1344, W),
    ("time_to_full_high", "Time to full, at most (90 % band)", "h", 0, 1344, W),
    ("incident_ahead", "Incident before the next detector", "1", 0, 1, T),
    ("emptied_from", "Level the bin was emptied from", "%", 0, 100, W),
    ("rarity", "Rarity of the watched value, powers of ten", "1", 0, 4, H),
    ("pm2_5_next_day", "PM2.5, highest hour expected in 24 h", "ug/m3", 0, 5000, A),
    ("pm10_next_day", "PM10, highest hour expected in 24 h", "ug/m3", 0, 10000, A),
    ("o3_next_day", "Ozone, highest hour expected in 24 h", "ug/m3", 0, 2000, A),
    ("no2_next_day", "Nitrogen dioxide, highest hour expected in 24 h", "ug/m3", 0, 5000, A),
    ("vehicle_flow_next_day", "Vehicle flow, highest hour expected in 24 h", "{vehicles}/h", 0, 20000, T),
    ("vehicle_flow_usual", "Vehicle flow usual at this hour of the week", "{vehicles}/h", 0, 20000, T),
    ("vehicle_flow_deviation", "Vehicle flow, robust deviations from the usual", "1", -100, 100, T),
    ("vehicle_speed_usual", "Mean speed usual at this hour of the week", "km/h", 0, 250, T),
    ("vehicle_speed_deviation", "Mean speed, robust deviations from the usual", "1", -100, 100, T),
    ("pm2_5_offset", "PM2.5, daily offset from the stations around", "ug/m3", -5000, 5000, H),
    ("pm2_5_drift", "PM2.5, drift from the stations around, deviations", "1", -1000, 1000, H),
    ("pm10_offset", "PM10, daily offset from the stations around", "ug/m3", -10000, 10000, H),
    ("pm10_drift", "PM10, drift from the stations around, deviations", "1", -1000, 1000, H),
    ("o3_offset", "Ozone, daily offset from the stations around", "ug/m3", -2000, 2000, H),
    ("o3_drift", "Ozone, drift from the stations around, deviations", "1", -1000, 1000, H),
    ("no2_offset", "Nitrogen dioxide, daily offset from the stations around", "ug/m3", -5000, 5000, H),
    ("no2_drift", "Nitrogen dioxide, drift from the stations around, deviations", "1", -1000, 1000, H),
    ("completeness", "Share of expected reports", "%", 0, 100, H),
    ("completeness_by_rhythm", "Share of the reports of its own rhythm", "%", 0, 100, H),
    ("battery_days_left", "Battery life left", "d", 0, 3650, H),
)

# What `citywatch indicators run` writes. No device may send these: a value here always comes from our own method.
DERIVED = frozenset(
    {
        "us_aqi",
        "european_aqi",
        "nowcast_pm2_5",
        "level_of_service",
        "travel_time_index",
        "fill_rate",
        "time_to_full",
        "time_to_full_low",
        "time_to_full_high",
        "incident_ahead",
        "emptied_from",
        "rarity",
        "pm2_5_next_day",
        "pm10_next_day",
        "o3_next_day",
        "no2_next_day",
        "vehicle_flow_next_day",
        "vehicle_flow_usual",
        "vehicle_flow_deviation",
        "vehicle_speed_usual",
        "vehicle_speed_deviation",
        "pm2_5_offset",
        "pm2_5_drift",
        "pm10_offset",
        "pm10_drift",
        "o3_offset",
        "o3_drift",
        "no2_offset",
        "no2_drift",
        "completeness",
        "completeness_by_rhythm",
        "battery_days_left",
    }
)

# Personal data has no place in a reading; a device that sends one of these is told so by name.
FORBIDDEN = frozenset(
    {
        "plate",
        "license_plate",
        "licence_plate",
        "number_plate",
        "face",
        "face_id",
        "mac",
        "mac_address",
        "bluetooth_address",
        "imsi",
        "imei",
    }
)

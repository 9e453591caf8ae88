"""The entity model of OGC SensorThings 1.1 (18-088, section 8): sets, properties, relations, and where each is kept.

`{t}` in a link stands for the related entity's rows, `{s}` for those it is reached from.
"""

from dataclasses import dataclass
from typing import Literal

from sql.queries import query

Kind = Literal["text", "number", "time", "json", "bool", "null"]


@dataclass(frozen=True, slots=True)
class Field:
    """A property: its name in the standard, its column, what it holds. `end` is the column where an interval ends."""

    name: str
    column: str
    kind: Kind
    end: str | None = None


@dataclass(frozen=True, slots=True)
class Relation:
    """A navigation property. `back` is its inverse as seen from the target."""

    name: str
    target: str
    many: bool
    link: str
    back: str


@dataclass(frozen=True, slots=True)
class EntitySet:
    """One entity set. `key` is the id's type; `order` the columns that put entities in one order."""

    name: str
    single: str
    source: str
    fields: tuple[Field, ...]
    relations: tuple[Relation, ...]
    key: type = str
    order: tuple[str, ...] = ("id",)

    def field(self, name: str) -> Field | None:
        """Return the property of that name."""
        if name in ("id", "@iot.id"):
            return Field("@iot.id", "id", "number" if self.key is int else "text")
        return next((field for field in self.fields if field.name == name), None)

    def relation(self, name: str) -> Relation | None:
        """Return the relation of that name."""
        return next((relation for relation in self.relations if relation.name == name), None)

    @property
    def names(self) -> list[str]:
        """Return what it has, for those who ask for something else."""
        return [*(field.name for field in self.fields), *(relation.name for relation in self.relations)]

    @property
    def rows(self) -> str:
        """Return what stands in FROM."""
        return f"({query('sensorthings', self.source)})"


_NAME, _TEXT = Field("name", "name", "text"), Field("description", "description", "text")
_PROPERTIES = Field("properties", "properties", "json")
_ENCODING = Field("encodingType", "encoding_type", "text")
_PLACES = f"({query('sensorthings', 'thing_locations')})"
# Observations of a feature, along the key: those of its device's datastreams, or those that name it. In this form the
# planner begins with the feature's datastreams; asked with IN, it went through all observations there are.
_OF_FEATURE = f"""EXISTS (
    SELECT FROM (
        SELECT p.location_id AS feature_id, d.datastream_id, false AS made
          FROM datastream AS d JOIN {_PLACES} AS p USING (device_id)
         UNION ALL
        SELECT x.feature_id, x.datastream_id, true FROM sta_observation AS x) AS f
     WHERE f.feature_id = {{s}}.id AND f.made = {{s}}.made AND f.datastream_id = {{t}}.datastream_id)
    AND {{t}}.feature_id = {{s}}.id"""
_MORE = "SELECT l.location_id FROM sta_placed AS l WHERE l.placing_id = {p}.id UNION ALL SELECT {p}.location_id"


def _entity_sets() -> dict[str, EntitySet]:
    sets = (
        EntitySet(
            "Things",
            "Thing",
            "things",
            (_NAME, _TEXT, _PROPERTIES),
            (
                Relation("Datastreams", "Datastreams", True, "{t}.device_id = {s}.id", "Thing"),
                Relation(
                    "Locations",
                    "Locations",
                    True,
                    f"{{t}}.id IN (SELECT p.location_id FROM {_PLACES} AS p WHERE p.device_id = {{s}}.id)",
                    "Things",
                ),
                Relation("HistoricalLocations", "HistoricalLocations", True, "{t}.device_id = {s}.id", "Thing"),
            ),
        ),
        EntitySet(
            "Locations",
            "Location",
            "locations",
            (_NAME, _TEXT, _ENCODING, Field("location", "location", "json"), _PROPERTIES),
            (
                Relation(
                    "Things",
                    "Things",
                    True,
                    f"{{t}}.id IN (SELECT p.device_id FROM {_PLACES} AS p WHERE p.location_id = {{s}}.id)",
                    "Locations",
                ),
                Relation(
                    "HistoricalLocations",
                    "HistoricalLocations",
                    True,
                    f"{{s}}.id IN ({_MORE.format(p='{t}')})",
                    "Locations",
                ),
            ),
        ),
        EntitySet(
            "HistoricalLocations",
            "HistoricalLocation",
            "historical_locations",
            (Field("time", "at", "time"),),
            (
                Relation("Thing", "Things", False, "{t}.id = {s}.device_id", "HistoricalLocations"),
                Relation(
                    "Locations", "Locations", True, f"{{t}}.id IN ({_MORE.format(p='{s}')})", "HistoricalLocations"
                ),
            ),
        ),
        EntitySet(
            "Datastreams",
            "Datastream",
            "datastreams",
            (
                _NAME,
                _TEXT,
                Field("observationType", "observation_type", "text"),
                Field("unitOfMeasurement", "unit_of_measurement", "json"),
                Field("observedArea", "observed_area", "json"),
                Field("phenomenonTime", "phenomenon_time", "time", end="phenomenon_end"),
                _PROPERTIES,
            ),
            (
                Relation("Thing", "Things", False, "{t}.id = {s}.device_id", "Datastreams"),
                Relation("Sensor", "Sensors", False, "{t}.id = {s}.sensor_id", "Datastreams"),
                Relation("ObservedProperty", "ObservedProperties", False, "{t}.id = {s}.property", "Datastreams"),
                Relation("Observations", "Observations", True, "{t}.datastream_id = {s}.id", "Datastream"),
            ),
            key=int,
        ),
        EntitySet(
            "Sensors",
            "Sensor",
            "sensors",
            (_NAME, _TEXT, _ENCODING, Field("metadata", "metadata", "json"), _PROPERTIES),
            (Relation("Datastreams", "Datastreams", True, "{t}.sensor_id = {s}.id", "Sensor"),),
        ),
        EntitySet(
            "ObservedProperties",
            "ObservedProperty",
            "observed_properties",
            (_NAME, Field("definition", "definition", "text"), _TEXT, _PROPERTIES),
            (Relation("Datastreams", "Datastreams", True, "{t}.property = {s}.id", "ObservedProperty"),),
        ),
        EntitySet(
            "Observations",
            "Observation",
            "observations",
            (
                Field("phenomenonTime", "phenomenon_time", "time", end="phenomenon_end"),
                Field("resultTime", "result_time", "time"),
                Field("result", "result", "number"),
                Field("resultQuality", "result_quality", "json"),
                Field("validTime", "valid_time", "text"),
                Field("parameters", "parameters", "json"),
            ),
            (
                Relation("Datastream", "Datastreams", False, "{t}.id = {s}.datastream_id", "Observations"),
                Relation("FeatureOfInterest", "FeaturesOfInterest", False, "{t}.id = {s}.feature_id", "Observations"),
            ),
            order=("datastream_id", "phenomenon_time"),
        ),
        EntitySet(
            "FeaturesOfInterest",
            "FeatureOfInterest",
            "features_of_interest",
            (_NAME, _TEXT, _ENCODING, Field("feature", "feature", "json"), _PROPERTIES),
            (Relation("Observations", "Observations", True, _OF_FEATURE, "FeatureOfInterest"),),
        ),
    )
    return {one.name: one for one in sets}


ENTITY_SETS = _entity_sets()

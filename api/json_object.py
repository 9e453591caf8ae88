"""Free-form JSON in a body: what the store cannot hold is refused by name, and the OpenAPI document says so."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetJsonSchemaHandler, StringConstraints, TypeAdapter, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from typing_extensions import TypeAliasType

from api.plain import PLAIN
from devices.json_values import storable

_Text = Annotated[str, StringConstraints(pattern=PLAIN)]
_Names = Field(json_schema_extra={"propertyNames": {"pattern": PLAIN}})
_Said = Field(description="any JSON without NUL in its text; whole numbers beyond 64 bits are taken as doubles")
JsonValue = TypeAliasType(
    "JsonValue",
    "Annotated[Annotated[dict[str, JsonValue], _Names] | list[JsonValue] | _Text | bool | float | None, _Said]",
)


class _Shape:
    """How the document describes it: validation by that shape itself would list every kind that a value is not."""

    _described = TypeAdapter(Annotated[dict[str, JsonValue], _Names]).core_schema

    def __get_pydantic_json_schema__(self, _core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(self._described)


def _storable(value: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
    held: dict[str, Any] = storable(value, info.field_name or "the body")
    return held


JsonObject = Annotated[dict[str, Any], AfterValidator(_storable), _Shape()]

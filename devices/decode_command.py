"""`citywatch devices decode`: one payload as hex in, what it says out, as a JSON-ready object."""

from devices.model import DecodeError
from devices.profiles import Profile
from devices.properties import PROPERTIES


def decode_hex(profile: Profile, port: int | None, text: str) -> dict[str, object]:
    """Return `decoded` (the vendor's own fields), `readings` and `refused`; raise DecodeError with the reason."""
    try:
        payload = bytes.fromhex(text)
    except ValueError:
        raise DecodeError(f"{text[:40]!r} is not hexadecimal") from None
    vendor_fields = profile.decode_bytes(payload, port)
    decoded = profile.map([vendor_fields])
    readings = []
    for reading in decoded.readings:
        one: dict[str, object] = {
            "property": reading.property,
            "value": reading.value,
            "unit": PROPERTIES[reading.property].unit,
        }
        readings.append(one if reading.time is None else one | {"time": reading.time.isoformat()})
    refused = [{"property": r.property, "reason": r.reason.value, "detail": r.detail} for r in decoded.refused]
    return {"decoded": dict(vendor_fields), "readings": readings, "refused": refused}

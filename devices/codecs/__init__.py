"""Native codecs by name: binary payload and port in, the vendor's own field names out."""

from collections.abc import Callable, Mapping

from devices.codecs import cayenne_lpp

# A port is None where the network server left it out.
Codec = Callable[[bytes, int | None], Mapping[str, object]]

CODECS: dict[str, Codec] = {
    "cayenne_lpp": lambda payload, _port: cayenne_lpp.decode(payload),
}

"""Native codecs by name: binary payload, port and time of reception in, the vendor's own field names out."""

from collections.abc import Callable, Mapping
from datetime import datetime

from devices.codecs import cayenne_lpp, decentlab, elsys, milesight, netvox
from devices.codecs.records import Table, read_records

# Port and time are None where the network server left them out.
Codec = Callable[[bytes, int | None, datetime | None], Mapping[str, object]]


def _records(table: Table, *key_sizes: int) -> Codec:
    return lambda payload, _port, _time: read_records(table, key_sizes, payload)


def _decentlab(model: str) -> Codec:
    return lambda payload, _port, _time: decentlab.decode(model, payload)


CODECS: dict[str, Codec] = {
    "cayenne_lpp": lambda payload, _port, _time: cayenne_lpp.decode(payload),
    "elsys": _records(elsys.TABLE, 1),
    "netvox": lambda payload, port, _time: netvox.decode(payload, port),
    "milesight_am100": _records(milesight.AM100, 2),
    "milesight_am300": _records(milesight.AM300, 2),
    "milesight_em300": _records(milesight.EM300, 2),
    "milesight_em310_tilt": _records(milesight.EM310_TILT, 2),
    "milesight_em310_udl": _records(milesight.EM310_UDL, 2),
    "milesight_em400": _records(milesight.EM400, 2),
    "milesight_em500_swl": _records(milesight.EM500_SWL, 2),
    "milesight_gs301": _records(milesight.GS301, 2),
    "milesight_vs121": _records(milesight.VS121, 2),
    "milesight_vs132": _records(milesight.VS132, 2),
    "milesight_vs135": _records(milesight.VS135, 2, 3),
    "milesight_vs34x": _records(milesight.VS34X, 2),
    "milesight_vs351": _records(milesight.VS351, 2),
    "milesight_vs370": _records(milesight.VS370, 2),
    **{f"decentlab_{model}": _decentlab(model) for model in decentlab.MODELS},
}

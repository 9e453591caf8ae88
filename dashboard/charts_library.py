"""The charts' library as browsers get it: plotly.js's own bundle of flat charts, in place of the whole of it.

Dash asks for the whole of plotly.js at one fixed address: 4.8 MB, most of them for maps and three dimensions that no
page of ours has, and whichever page is open while a browser reads them stands still meanwhile. Behind that address
stands `vendor/plotly-cartesian.min.js`: the npm package plotly.js-cartesian-dist-min, unchanged, of the version that
Dash comes with (a test holds one against the other).
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.responses import Response

ADDRESS = "/_dash-component-suites/plotly/package_data/plotly.min.js"
FILE = Path(__file__).parent / "vendor" / "plotly-cartesian.min.js"


def add_charts_library(app: FastAPI) -> None:
    """Serve the library at the address that Dash's renderer asks for it; to be called before Dash adds its own."""
    app.add_api_route(ADDRESS, _serve, include_in_schema=False)


async def _serve(request: Request) -> Response:
    text, packed, tag = _library()
    # Looked at anew at each load of a page, since its address stays when the library changes.
    headers = {"ETag": tag, "Cache-Control": "public, no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(text, media_type="text/javascript", headers=headers)
    return Response(packed, media_type="text/javascript", headers={**headers, "Content-Encoding": "gzip"})


@cache
def _library() -> tuple[bytes, bytes, str]:
    """Return the library, the same compressed, and its tag: read and packed once, as good as can be."""
    text = FILE.read_bytes()
    return text, gzip.compress(text, mtime=0), f'W/"{hashlib.sha256(text).hexdigest()[:32]}"'

"""What the layers around all routes answer, added to the OpenAPI document in one place."""

from typing import Any

from fastapi import FastAPI

from api.permissions import Permission, read_doors
from api.problems import responses
from api.version import PREFIX

SECURITY: dict[str, Any] = {
    "session": {"type": "apiKey", "in": "cookie", "name": "citywatch_session", "description": "after signing in"},
    "key": {"type": "http", "scheme": "bearer", "description": "an API key"},
}
NOT_MODIFIED = {"description": "The copy named by If-None-Match still holds"}


def document_doors(app: FastAPI, *, demo: bool) -> None:
    """Make `app.openapi()` say of each operation which permission it asks for and how the gate refuses.

    The demo lets everybody in, so there it asks for no session.
    """
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema:
            return app.openapi_schema
        document = plain()
        asked = {
            (door.path, method.lower()): door.permissions
            for door in read_doors(app)
            for method in door.methods or ()
            if door.kind == "http"
        }
        if not demo:
            document["components"]["securitySchemes"] = SECURITY
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                permissions = asked[path, method]
                if method == "get" and path.startswith(PREFIX):
                    operation["responses"].setdefault("304", NOT_MODIFIED)
                operation["x-permissions"] = [str(permission) for permission in permissions]
                closed = set(permissions) != {Permission.PUBLIC}
                if closed and not demo:
                    operation["security"] = [{"key": []}, {"session": []}]
                # A key that is sent must be a good one, where none is asked for as well.
                for status, problem in responses(*((401, 403, 429) if closed else (401,))).items():
                    operation["responses"].setdefault(str(status), problem)
        return document

    app.openapi = openapi  # type: ignore[method-assign]

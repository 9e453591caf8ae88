"""A query parameter that a route does not know, or a second value where it takes one, is refused.

A misspelt filter would otherwise answer with everything, and look like an answer. What a route knows is read from the
OpenAPI document, so the document is true by construction.
"""

from fastapi import FastAPI, Request

from api.problems import ProblemError


def _takes_many(schema: dict[str, object]) -> bool:
    choices = schema.get("anyOf", [schema])
    return isinstance(choices, list) and any(choice.get("type") == "array" for choice in choices)


def _known(app: FastAPI) -> dict[tuple[str, str], dict[str, bool]]:
    """Return per path and method its query parameters, and whether each takes several values."""
    if not hasattr(app.state, "query_parameters"):
        app.state.query_parameters = {
            (path, method.upper()): {
                parameter["name"]: _takes_many(parameter["schema"])
                for parameter in operation.get("parameters", [])
                if parameter["in"] == "query"
            }
            for path, operations in app.openapi()["paths"].items()
            for method, operation in operations.items()
        }
    known: dict[tuple[str, str], dict[str, bool]] = app.state.query_parameters
    return known


async def check_query(request: Request) -> None:
    """Raise ProblemError 422 naming the parameter at fault; a dependency of every route of the API."""
    if not request.query_params:
        return
    path: str = request.scope["route"].path
    known = _known(request.app)[path, request.method]
    for name in request.query_params:
        if name not in known:
            names = ", ".join(sorted(known)) or "none"
            raise ProblemError(422, "invalid", f"{name}: not a parameter here; there are: {names}")
        if not known[name] and len(request.query_params.getlist(name)) > 1:
            raise ProblemError(422, "invalid", f"{name}: takes one value")

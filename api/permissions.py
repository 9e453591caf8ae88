"""Who may do what, stated once: permissions, the roles that hold them, and the permission that each route asks for.

A route declares what it asks for with `dependencies=[Allow(Permission.READ)]`, on itself or on its router; of several
declarations all must hold. A route that declares nothing stops the server from starting.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from re import Pattern
from typing import Any

from fastapi import FastAPI
from fastapi.params import Depends
from fastapi.requests import HTTPConnection
from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import Mount, WebSocketRoute
from starlette.types import Scope

from api.principal import Principal, Role
from api.problems import ProblemError
from citywatch.errors import SettingsError


class Permission(StrEnum):
    """What a route may ask for."""

    PUBLIC = "public"  # nothing: health, the sign-in page, what the city publishes
    READ = "read"  # the city as the dashboard shows it, exports included
    INSPECT = "inspect"  # raw payloads and metrics: what devices sent, and how the processes do
    OPERATE = "operate"  # act on alerts, incidents, work orders
    CONFIGURE = "configure"  # rules, devices, replay, simulator, observations created over HTTP
    AUDIT = "audit"  # who did what from where
    ADMINISTER = "administer"  # accounts and keys of others
    OWN = "own"  # one's own session, password and keys


SIGNED_IN = frozenset({Role.VIEWER, Role.OPERATOR, Role.ENGINEER, Role.AUDITOR, Role.ADMIN})
ROLES = tuple(role.value for role in Role if role in SIGNED_IN)  # those an account can have
# The demo acts as an engineer, on this machine only; it has no account of its own, and reads no audit.
GRANTS: dict[Permission, frozenset[Role]] = {
    Permission.PUBLIC: frozenset(Role),
    Permission.READ: SIGNED_IN | {Role.DEMO},
    Permission.INSPECT: frozenset({Role.OPERATOR, Role.ENGINEER, Role.AUDITOR, Role.ADMIN, Role.DEMO}),
    Permission.OPERATE: frozenset({Role.OPERATOR, Role.ENGINEER, Role.ADMIN, Role.DEMO}),
    Permission.CONFIGURE: frozenset({Role.ENGINEER, Role.ADMIN, Role.DEMO}),
    Permission.AUDIT: frozenset({Role.AUDITOR, Role.ADMIN}),
    Permission.ADMINISTER: frozenset({Role.ADMIN}),
    Permission.OWN: SIGNED_IN,
}

# Routes that no router of ours declares, by path: those that Dash and FastAPI add themselves, and the dashboard's word
# that below a program's path there is no page. A new one must be named here before it is served.
FRAMEWORK_ROUTES: dict[str, Permission] = {
    "/api/v1/openapi.json": Permission.PUBLIC,
    "/assets": Permission.PUBLIC,
    "/public": Permission.PUBLIC,
    "/_dash-component-suites/plotly/package_data/plotly.min.js": Permission.PUBLIC,
    "/_dash-component-suites/{package_name}/{fingerprinted_path:path}": Permission.PUBLIC,
    "/_favicon.ico": Permission.PUBLIC,
    "/api/{rest:path}": Permission.PUBLIC,
    "/health/{rest:path}": Permission.PUBLIC,
    "/metrics/{rest:path}": Permission.PUBLIC,
    "/sta/{rest:path}": Permission.PUBLIC,
    "/ngsi-ld/{rest:path}": Permission.PUBLIC,
    "/_dash-layout": Permission.READ,
    "/_dash-dependencies": Permission.READ,
    "/_dash-update-component": Permission.READ,
    "/_reload-hash": Permission.READ,
    "/": Permission.READ,
    "{path:path}": Permission.READ,
}


FREE = frozenset({Permission.PUBLIC, Permission.OWN})  # before one has chosen a password of one's own


def weaker(role: Role, other: Role) -> bool:
    """Return whether `other` holds every permission that `role` holds."""
    return all(other in roles for roles in GRANTS.values() if role in roles)


def within_both(role: Role, other: Role) -> Role:
    """Return the strongest role of an account that holds nothing beyond what each of the two holds."""
    held = [each for each in map(Role, ROLES) if weaker(each, role) and weaker(each, other)]
    return max(held, key=lambda each: sum(each in roles for roles in GRANTS.values()))


def permits(principal: Principal, permission: Permission) -> bool:
    """Return whether any role of `principal` holds `permission`."""
    return not GRANTS[permission].isdisjoint(principal.roles)


def refuse(principal: Principal, permissions: Sequence[Permission]) -> ProblemError | None:
    """Return why `principal` may not pass a door that asks for all of `permissions`, None if it may."""
    if principal.must_change_password and not FREE.issuperset(permissions):
        return ProblemError(403, "password-change-needed", "choose a password of your own first, at /password")
    missing = [permission for permission in permissions if not permits(principal, permission)]
    if not missing:
        return None
    if Role.ANONYMOUS in principal.roles:
        return ProblemError(401, "sign-in-needed", "this needs a session or an API key")
    return ProblemError(403, "not-permitted", f"{principal.name} may not {missing[0]}")


class Allow(Depends):
    """Declares, and within the route checks again, that the caller holds `permission`."""

    permission: Permission

    def __init__(self, permission: Permission) -> None:
        async def check(connection: HTTPConnection) -> None:
            # The gate has asked already, before any body was read; this holds even if it took another route for ours.
            problem = refuse(connection.scope["citywatch.principal"], [permission])
            if problem is not None:
                raise problem

        super().__init__(check)
        object.__setattr__(self, "permission", permission)


@dataclass(frozen=True, slots=True)
class Door:
    """One route as the gate sees it."""

    kind: str  # http or websocket
    path: str
    pattern: Pattern[str]
    methods: frozenset[str] | None  # None: any
    permissions: tuple[Permission, ...]

    def fits(self, scope: Scope) -> bool:
        """Return whether the path is this one's, whatever the method."""
        return self.kind == scope["type"] and self.pattern.match(scope["path"]) is not None

    def takes(self, method: str) -> bool:
        """Return whether the method is one of this route's."""
        return self.methods is None or method in self.methods


def _declared(route: RouteContext, path: str) -> tuple[Permission, ...]:
    found = [each.permission for each in getattr(route, "dependencies", []) if isinstance(each, Allow)]
    if not found and path in FRAMEWORK_ROUTES:
        found = [FRAMEWORK_ROUTES[path]]
    return tuple(dict.fromkeys(found))


def _kind(route: RouteContext) -> str:
    return "websocket" if isinstance(route.original_route, WebSocketRoute) else "http"


def read_doors(app: FastAPI) -> Iterator[Door]:
    """Yield every route of `app` in the order in which they are tried; raise SettingsError for one that declares
    nothing."""
    for route in iter_route_contexts(app.router.routes):
        path, pattern = route.path, getattr(route, "path_regex", None)
        # Of what has no path of its own (Host, or a kind still unknown to us) nobody can say who may pass.
        permissions = _declared(route, path) if path is not None else ()
        if path is None or pattern is None or not permissions:
            raise SettingsError(
                f"the route {path or route.original_route!r} does not say who may use it: "
                "add dependencies=[Allow(Permission....)]"
            )
        methods: Any = None if isinstance(route.original_route, Mount) else route.methods
        yield Door(_kind(route), path, pattern, frozenset(methods) if methods else None, permissions)


def methods_of(doors: Sequence[Door], scope: Scope) -> list[str]:
    """Return every method that the path asked for takes, for `Allow`; a place that only stands in for what is not
    there does not count beside one that is."""
    fitting = [door for door in doors if door.fits(scope)]
    return sorted({method for door in fitting if door.path == fitting[0].path for method in door.methods or ()})


def find_door(doors: Sequence[Door], scope: Scope) -> Door | None:
    """Return the route that a connection will be given to: the first that takes its method, else the first that has
    its path (which will answer 405), None if there is no such place."""
    fitting = [door for door in doors if door.fits(scope)]
    if scope["type"] == "websocket":
        return fitting[0] if fitting else None
    return next((door for door in fitting if door.takes(scope["method"])), fitting[0] if fitting else None)

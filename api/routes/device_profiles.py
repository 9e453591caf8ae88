"""Device types: those there are, a new one put in, and one proposed from a message."""

import asyncio
from pathlib import Path as FilePath
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.answer import answer
from api.context import UNLIMITED, ActorDep, AddressDep, PoolDep, SettingsDep, WholePoolDep
from api.device_schemas import Learned, ProfileChange, ProfileEntries, ProfileText, Sample
from api.permissions import Allow, Permission
from api.problems import ProblemError, not_found, responses
from api.routes.device_care import CHANGES, profiles_of
from api.version import PREFIX
from citywatch.errors import SettingsError
from devices.learning import learn
from devices.model import DecodeError
from devices.own_profiles import put_profile
from devices.profile_files import ProfileError
from devices.profiles import BUILTIN, Profile
from devices.quarantine import kept_messages
from sql.audit import audit

router = APIRouter(prefix=f"{PREFIX}/device-profiles", tags=["devices"])
READ, CONFIGURE = [Allow(Permission.READ)], [Allow(Permission.CONFIGURE)]
NAME = r"^[a-z0-9][a-z0-9._-]{0,63}$"
Vendor = Annotated[str, Path(pattern=NAME, description="vendor", examples=["milesight"])]
Model = Annotated[str, Path(pattern=NAME, description="model", examples=["em310-udl"])]


def _is_own(path: FilePath) -> bool:
    return not path.is_relative_to(BUILTIN)


def _entry(profile: Profile) -> dict[str, object]:
    return {
        "key": profile.key,
        "label": profile.label,
        "domain": profile.domain.value,
        "envelope": profile.envelope,
        "codec": profile.codec_name,
        "properties": list(profile.properties),
        "expected_interval_seconds": profile.expected_interval.total_seconds(),
        "examples": len(profile.examples),
        "own": _is_own(profile.path),
    }


@router.get("", response_model=ProfileEntries, responses=responses(422, 503), dependencies=READ)
async def list_profiles(request: Request) -> Response:
    """Every device type, those of your own included. A file that changed is read again."""
    profiles = profiles_of(request)
    return answer({"items": [_entry(profiles[key]) for key in sorted(profiles) if profiles[key].key == key]})


@router.post("/learn", response_model=Learned, responses=CHANGES, dependencies=CONFIGURE)
async def learn_profile(pool: PoolDep, body: Sample) -> Response:
    """Propose a device type from a message, or from what is kept of a device in quarantine. Nothing is kept."""
    if (body.message is None) == (body.device_id is None):
        raise ProblemError(409, "not-possible", "give either a message or a device in quarantine")
    samples = [(body.message or "").encode()]
    if body.device_id is not None:
        async with pool.acquire() as connection:
            samples = await kept_messages(connection, body.device_id)
    vendor, _, model = body.key.partition("/")
    try:
        learned = await asyncio.to_thread(learn, samples, vendor, model)
    except DecodeError as error:
        raise ProblemError(409, "not-possible", str(error)) from None
    return answer({"text": learned.as_yaml(), "reasons": learned.reasons, "left_out": learned.left_out})


@router.get("/{vendor}/{model}", response_model=ProfileText, responses=responses(404, 422, 503), dependencies=READ)
async def get_profile(request: Request, vendor: Vendor, model: Model) -> Response:
    """One device type as its file reads."""
    profile = profiles_of(request).get(f"{vendor}/{model}")
    if profile is None:
        raise not_found("device type", f"{vendor}/{model}")
    text = await asyncio.to_thread(profile.path.read_text, "utf-8")
    return answer({"key": profile.key, "text": text, "own": _is_own(profile.path)})


@router.put("/{vendor}/{model}", response_model=ProfileText, responses=CHANGES, dependencies=[*CONFIGURE, UNLIMITED])
async def put_own_profile(
    request: Request,
    whole: WholePoolDep,
    settings: SettingsDep,
    actor: ActorDep,
    address: AddressDep,
    vendor: Vendor,
    model: Model,
    body: ProfileChange,
) -> Response:
    """Put a device type of your own in force, once it loads and its examples give out what they say."""
    key = f"{vendor}/{model}"
    try:
        async with whole.acquire() as connection, connection.transaction():
            await asyncio.to_thread(put_profile, settings.devices.folders, key, body.text)
            await audit(connection, actor, "profile.put", f"profile/{key}", {"characters": len(body.text)}, address)
    except (ProfileError, SettingsError) as error:
        raise ProblemError(409, "not-acceptable", str(error)) from None
    profiles_of(request)
    return answer({"key": key, "text": body.text, "own": True})

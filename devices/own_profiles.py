"""Profiles of the user's own, kept in the folder that a setting names: checked before they are put there."""

import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from citywatch.errors import SettingsError
from devices.examples import try_example
from devices.javascript import Sandbox
from devices.profile_files import ProfileError
from devices.profiles import load_profile


def put_profile(folders: Sequence[Path], key: str, text: str) -> Path:
    """Write a profile file into the first of the user's folders and return its path.

    Raises ProfileError, naming line and reason, where it cannot be loaded, calls itself something else than `key`, or
    one of its examples does not give out what it says; SettingsError where no folder is set. Then nothing is changed.
    """
    if not folders:
        raise SettingsError("no folder for profiles of your own is set: CITYWATCH_DEVICES__FOLDERS")
    vendor, _, model = key.partition("/")
    folder = folders[0] / vendor
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{model}.yaml"
    sandbox = Sandbox()
    # Beside its place, where a vendor's script is looked for; not named as a profile: nobody loads it yet.
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, suffix=".draft", delete=False) as file:
        file.write(text)
    draft = Path(file.name)
    try:
        try:
            profile = load_profile(draft, sandbox)
        except ProfileError as reason:
            raise ProfileError(str(reason).replace(str(draft), key)) from None
        if profile.key != key:
            raise ProfileError(f"{key}: it calls itself {profile.key}")
        for number, example in enumerate(profile.examples, 1):
            fault = try_example(profile, example)
            if fault is not None:
                raise ProfileError(f"{key}: example {number} {example.description!r}: {fault}")
        draft.chmod(0o644)
        draft.replace(target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()
        sandbox.close()
    return target

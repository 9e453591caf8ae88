"""The error tree: one base, one class per kind of failure a caller may want to tell apart."""


class CitywatchError(Exception):
    """Base of every error this project raises on purpose; its text is fit to show to a person."""


class SettingsError(CitywatchError):
    """A setting is unknown, missing or outside its limits."""


class StoreError(CitywatchError):
    """The database refused, or is not in the state the caller needs."""


class BrokerError(CitywatchError):
    """The MQTT broker could not be started or reached, or refused us."""


class RegistryError(CitywatchError):
    """A device, site or district entry is not acceptable."""


class RuleError(CitywatchError):
    """A rule file or a rule test is not acceptable; the text names file and line."""


class AlertError(CitywatchError):
    """What was asked of an alert is not possible in its present state, or there is no such alert."""


class MappingError(CitywatchError):
    """A replay mapping or a recorded series cannot be read; the text names file and line."""


class AccountError(CitywatchError):
    """An account, a key or a sign-in is not acceptable; the text says why, and never a secret."""

"""What is wrong with a SensorThings request."""

from citywatch.errors import CitywatchError


class RequestError(CitywatchError):
    """A request that the standard, or a limit of ours, does not allow; the text says where and why."""


class MissingError(CitywatchError):
    """There is no such entity or property."""

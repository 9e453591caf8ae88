"""The one error of this package."""

from citywatch.errors import CitywatchError


class IndicatorError(CitywatchError):
    """An input, a threshold table or a parameter cannot be used; the text names it and what would be acceptable."""

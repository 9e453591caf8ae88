"""What an incident does to the world around one device; the signals obey it, and know nothing else of incidents."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Influence:
    """Changes to the undisturbed city at one place and moment.

    `demand` and `capacity` are factors on what wants to pass and what can. `queue` 0..1 is how deep the place stands
    in a queue from ahead. `fill` is a share 0..1 of the way from the undisturbed fill level to `fill_to` percent.
    `heat` is kelvins in the bin. `particles` (ug/m3 of PM2.5) and `gases` (ug/m3 of NO2) are added to the air.
    """

    demand: float = 1.0
    capacity: float = 1.0
    queue: float = 0.0
    fill: float = 0.0
    fill_to: float = 0.0
    heat: float = 0.0
    particles: float = 0.0
    gases: float = 0.0


CALM = Influence()

"""OGC SensorThings 1.1, part 1 (Sensing), out of the same rows as everything else."""

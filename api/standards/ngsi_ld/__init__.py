"""NGSI-LD entities of the Smart Data Models, out of the latest observations."""

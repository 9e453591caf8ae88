"""QARTOD tests, incremental and pure."""

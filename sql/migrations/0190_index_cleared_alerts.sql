-- A map shown as it stood at an earlier time asks for the alerts that were cleared since.
CREATE INDEX alert_by_clearing ON alert (cleared_at) WHERE cleared_at IS NOT NULL;

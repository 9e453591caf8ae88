-- What ingest needs beyond the log itself.

-- `payload` is cut at 64 KiB; `payload_size` is what arrived. `payload_key` finds the same message delivered again.
ALTER TABLE rejected_message ADD COLUMN payload_size int NOT NULL DEFAULT 0;
ALTER TABLE rejected_message ADD COLUMN payload_key bigint;
CREATE INDEX rejected_message_by_key ON rejected_message (payload_key) WHERE payload_key IS NOT NULL;

-- An equal key received at or after `since` is the same message again. `slot` is the worker that took it:
-- its newest row tells, after a crash, which messages may have been stored but not acknowledged.
ALTER TABLE delivery ADD COLUMN slot smallint NOT NULL DEFAULT 0;
ALTER TABLE delivery ADD COLUMN since timestamptz NOT NULL DEFAULT '-infinity';
DROP INDEX delivery_by_time;
CREATE INDEX delivery_by_slot ON delivery (slot, received_at);

-- Updated with every batch: room on the page keeps those updates away from the index.
ALTER TABLE delivery_account SET (fillfactor = 50);

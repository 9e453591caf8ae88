-- Which ingest worker wrote a batch, and whether its inbox was so full that more waited for it at the broker: while that
-- lasts, a device that is not heard may be one of those that wait. Null where no ingest worker wrote it.
ALTER TABLE ingest_batch ADD COLUMN worker smallint;
ALTER TABLE ingest_batch ADD COLUMN lagging boolean NOT NULL DEFAULT false;

-- A consumer of the tail may be divided by device among several processes: docs/adr/0250-divided-by-device.md.
-- A consumer that is not named here is undivided. Its first part keeps the consumer's name, the others are NAME-1 and so on.
CREATE TABLE division (
    consumer text PRIMARY KEY,
    parts    int NOT NULL CHECK (parts BETWEEN 1 AND 64)
);

-- How far the slowest part of each consumer is.
CREATE VIEW consumer_progress AS
SELECT split_part(consumer, '-', 1) AS consumer, min(seq) AS seq
  FROM consumer_position
 GROUP BY split_part(consumer, '-', 1);

-- What one part knows of a device: whose it is knows all, who counts it what it counts.
ALTER TABLE rule_stream
    ADD COLUMN part int NOT NULL DEFAULT 0,
    DROP CONSTRAINT rule_stream_pkey,
    ADD PRIMARY KEY (device_id, part);
ALTER TABLE rule_area_stream
    ADD COLUMN part int NOT NULL DEFAULT 0,
    DROP CONSTRAINT rule_area_stream_pkey,
    ADD PRIMARY KEY (area, part);

-- False: whoever groups alerts for the whole city has not seen this one's alert yet.
ALTER TABLE notification ADD COLUMN ready boolean NOT NULL DEFAULT true;
CREATE INDEX notification_not_ready ON notification (notification_id) WHERE NOT ready;

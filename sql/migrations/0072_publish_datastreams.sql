-- Open data: what of a datastream is shown to everybody. Nothing is, until somebody who may says so.
ALTER TABLE datastream ADD COLUMN published boolean NOT NULL DEFAULT false;
CREATE INDEX datastream_published ON datastream (device_id, property) WHERE published;

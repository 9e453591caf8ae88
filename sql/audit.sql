-- audit_lock --
-- $1 bigint: one writer at a time, until its transaction ends, so that numbers have no gaps and each row its forerunner.
SELECT pg_advisory_xact_lock($1);

-- audit_head --
-- The last row, and the time now.
SELECT coalesce(max(event_id), 0) AS event_id,
       (SELECT hash FROM audit_event ORDER BY event_id DESC LIMIT 1) AS hash, clock_timestamp() AS now
  FROM audit_event;

-- audit_add --
-- $1 event_id, $2 at, $3 actor, $4 action, $5 object, $6 detail, $7 address, $8 previous_hash, $9 hash
INSERT INTO audit_event (event_id, at, actor, action, object, detail, address, previous_hash, hash)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- audit_all --
-- Every row in order, for verification.
SELECT event_id, at, actor, action, object, detail, address, previous_hash, hash FROM audit_event ORDER BY event_id;

-- audit_page --
-- $1 actor, $2 action, $3 object: null for any; $4 since, $5 until; $6 bigint below this event_id; $7 limit
SELECT event_id, at, actor, action, object, detail, address, encode(hash, 'hex') AS hash
  FROM audit_event
 WHERE ($1::text IS NULL OR actor = $1)
   AND ($2::text IS NULL OR action = $2)
   AND ($3::text IS NULL OR object = $3)
   AND ($4::timestamptz IS NULL OR at >= $4)
   AND ($5::timestamptz IS NULL OR at < $5)
   AND ($6::bigint IS NULL OR event_id < $6)
 ORDER BY event_id DESC
 LIMIT $7::int;

-- account_by_device --
-- $1 text device_id or null for every device, $2 timestamptz from
SELECT device_id, NULL::timestamptz AS hour, sum(received)::bigint AS received, sum(accepted)::bigint AS accepted,
       sum(rejected)::bigint AS rejected, sum(readings)::bigint AS readings, sum(stored)::bigint AS stored,
       sum(duplicate)::bigint AS duplicate, sum(refused)::bigint AS refused
  FROM delivery_account
 WHERE ($1::text IS NULL OR device_id = $1) AND hour >= $2::timestamptz
 GROUP BY device_id
 ORDER BY device_id;

-- account_by_hour --
-- $1 text device_id, $2 timestamptz from
SELECT device_id, hour, received, accepted, rejected, readings, stored, duplicate, refused
  FROM delivery_account
 WHERE device_id = $1::text AND hour >= $2::timestamptz
 ORDER BY hour;

-- list_rejected --
-- $1 bigint before this id or null, $2 text reason or null, $3 text device_id or null, $4 int limit, $5 bool pending only
SELECT rejected_id, received_at, fate, reason, detail, device_id, topic, payload, payload_size, replayed_at
  FROM rejected_message
 WHERE ($1::bigint IS NULL OR rejected_id < $1) AND ($2::text IS NULL OR reason = $2)
   AND ($3::text IS NULL OR device_id = $3) AND NOT ($5::bool AND replayed_at IS NOT NULL)
 ORDER BY rejected_id DESC
 LIMIT $4::int;

-- pending_rejected --
-- $1 bigint after this id, $2 bigint[] ids or null for all, $3 text reason or null, $4 text device_id or null, $5 int limit
-- Oldest first, as they came.
SELECT rejected_id, received_at, topic, payload, payload_size
  FROM rejected_message
 WHERE rejected_id > $1::bigint AND replayed_at IS NULL AND ($2::bigint[] IS NULL OR rejected_id = ANY ($2))
   AND ($3::text IS NULL OR reason = $3) AND ($4::text IS NULL OR device_id = $4)
 ORDER BY rejected_id
 LIMIT $5::int;

-- mark_replayed --
-- $1 bigint[] rejected_id
UPDATE rejected_message SET replayed_at = now() WHERE rejected_id = ANY ($1::bigint[]);

-- recent_floods --
-- $1 timestamptz since
SELECT device_id, began_at, last_at, messages, peak_rate, usual_rate, set_aside
  FROM device_flood
 WHERE last_at >= $1::timestamptz
 ORDER BY last_at DESC, device_id;

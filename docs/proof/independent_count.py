"""Counts what devices delivered with plain SQL of its own; imports nothing of ours. Derived values are not counted.

`python docs/proof/independent_count.py DSN DEVICE_PATTERN` prints JSON: per device the observations with a value,
the missing ones and the distinct times, straight from the tables.
"""

import asyncio
import json
import sys

import asyncpg

SQL = """
SELECT d.device_id,
       count(*) FILTER (WHERE o.result IS NOT NULL)     AS with_value,
       count(*) FILTER (WHERE o.result IS NULL)         AS missing,
       count(*)                                         AS stored,
       count(DISTINCT o.phenomenon_time)                AS distinct_times,
       min(o.result)                                    AS lowest,
       min(o.phenomenon_time)::text                     AS first_time,
       max(o.phenomenon_time)::text                     AS last_time
  FROM device AS d
  JOIN datastream AS s USING (device_id)
  JOIN observation AS o USING (datastream_id)
 WHERE d.device_id LIKE $1 AND s.method IS NULL
 GROUP BY d.device_id
 ORDER BY d.device_id
"""


async def count(dsn: str, pattern: str) -> dict[str, dict[str, object]]:
    connection = await asyncpg.connect(dsn)
    try:
        return {row["device_id"]: dict(row) for row in await connection.fetch(SQL, pattern)}
    finally:
        await connection.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(count(sys.argv[1], sys.argv[2]))))

-- What an account that is limited to districts or domains sees, said per table, so that no query can forget it.
-- Its reads run as the role citywatch_limited (sql/limited.py), for which a table without a grant is closed and a row
-- outside of the limits is not there. For every other role nothing changes: the policies name citywatch_limited in their
-- text and not as their target, so that a dump can be restored where that role does not exist yet.

-- '*' stands for no limit; else an array. What has no district, or no domain, lies outside of every limit.
CREATE FUNCTION within_limit(value text, setting text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(value = ANY (nullif(current_setting(setting, true), '*')::text[]),
                    current_setting(setting, true) = '*', false)
$$;

CREATE FUNCTION limit_rows(name text, condition text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY limited ON %I USING (current_user <> %L OR (%s))', name, 'citywatch_limited', condition);
END $$;

SELECT limit_rows('district', $$within_limit(district_id, 'citywatch.districts')$$),
       limit_rows('site', $$within_limit(district_id, 'citywatch.districts')$$),
       limit_rows('device', $$within_limit(district_id, 'citywatch.districts')
                              AND within_limit(domain, 'citywatch.domains')$$),
       limit_rows('rollup_area_hour', $$within_limit(district_id, 'citywatch.districts')
                                        AND within_limit(domain, 'citywatch.domains')$$),
       limit_rows('rollup_area_day', $$within_limit(district_id, 'citywatch.districts')
                                       AND within_limit(domain, 'citywatch.domains')$$),
       limit_rows('datastream', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = datastream.device_id)$$),
       limit_rows('latest_observation',
                  $$EXISTS (SELECT FROM datastream AS t WHERE t.datastream_id = latest_observation.datastream_id)$$),
       limit_rows('alert', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = alert.device_id)$$),
       limit_rows('alert_event', $$EXISTS (SELECT FROM alert AS a WHERE a.alert_id = alert_event.alert_id)$$),
       limit_rows('shelving', $$EXISTS (SELECT FROM alert AS a WHERE a.alert_key = shelving.alert_key)$$),
       limit_rows('delivery_account', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = delivery_account.device_id)$$),
       limit_rows('rejected_message', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = rejected_message.device_id)$$);

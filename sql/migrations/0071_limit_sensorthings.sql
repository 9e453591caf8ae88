-- What an account limited to a part of the city sees of SensorThings: what belongs to the devices it sees.
SELECT limit_rows('sta_thing', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = sta_thing.device_id)$$),
       limit_rows('sta_datastream',
                  $$EXISTS (SELECT FROM datastream AS t WHERE t.datastream_id = sta_datastream.datastream_id)$$),
       limit_rows('sta_placing', $$EXISTS (SELECT FROM device AS d WHERE d.device_id = sta_placing.device_id)$$),
       limit_rows('sta_placed', $$EXISTS (SELECT FROM sta_placing AS p WHERE p.placing_id = sta_placed.placing_id)$$),
       limit_rows('sta_location', $$EXISTS (SELECT FROM sta_placed AS p WHERE p.location_id = sta_location.location_id)$$),
       limit_rows('sta_observation',
                  $$EXISTS (SELECT FROM datastream AS t WHERE t.datastream_id = sta_observation.datastream_id)$$),
       limit_rows('sta_feature', $$EXISTS (SELECT FROM sta_observation AS o WHERE o.feature_id = sta_feature.feature_id)$$),
       limit_rows('sta_sensor', $$EXISTS (SELECT FROM sta_datastream AS t WHERE t.sensor_id = sta_sensor.sensor_id)$$);

-- Rule state is kept as compressed JSON that only the rules process reads. As jsonb the server parsed and compressed it
-- at every checkpoint: seconds for 2,000 busy devices, during which nothing was judged.
ALTER TABLE rule_stream ADD COLUMN frozen bytea, ALTER COLUMN state DROP NOT NULL;
ALTER TABLE rule_area_stream ADD COLUMN frozen bytea, ALTER COLUMN state DROP NOT NULL;
ALTER TABLE rule_stream ALTER COLUMN frozen SET STORAGE EXTERNAL;
ALTER TABLE rule_area_stream ALTER COLUMN frozen SET STORAGE EXTERNAL;

-- A bin that reports more than once a minute has its forecast each quarter of an hour.
ALTER TABLE indicator_due DROP CONSTRAINT indicator_due_kind_check;
ALTER TABLE indicator_due ADD CONSTRAINT indicator_due_kind_check
    CHECK (kind IN ('air', 'road', 'bin', 'bin_quarter', 'health', 'series', 'calc_quarter', 'calc_hour', 'calc_day',
                    'forecast', 'usual', 'pair'));

-- A device may name the one property of it that is watched for what is rare (tag `watch`): each of its readings is due.
ALTER TABLE indicator_due DROP CONSTRAINT indicator_due_kind_check;
ALTER TABLE indicator_due ADD CONSTRAINT indicator_due_kind_check
    CHECK (kind IN ('air', 'road', 'bin', 'health', 'series'));

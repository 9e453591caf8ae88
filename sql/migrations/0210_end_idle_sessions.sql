-- When a person last did something in a session: it ends a stated time after that, however long it could still last.
ALTER TABLE session ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();

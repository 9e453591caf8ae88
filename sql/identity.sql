-- account_by_name --
-- $1 name
SELECT * FROM account_user WHERE name = $1;

-- accounts --
-- All accounts by name, with their usable keys.
SELECT a.name, a.role, a.districts, a.domains, a.issuer, a.must_change, a.created_at, a.disabled_at,
       (SELECT count(*) FROM api_key AS k
         WHERE k.account_id = a.account_id AND k.revoked_at IS NULL AND k.expires_at > now()) AS keys
  FROM account_user AS a
 ORDER BY a.name;

-- district_names --
SELECT district_id FROM district;

-- any_account --
SELECT EXISTS (SELECT FROM account_user);

-- account_add --
-- $1 name, $2 role, $3 text[] districts, $4 text[] domains, $5 password_hash, $6 must_change, $7 issuer, $8 subject
INSERT INTO account_user (name, role, districts, domains, password_hash, must_change, issuer, subject)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT DO NOTHING
RETURNING account_id;

-- account_set --
-- $1 account_id, $2 role, $3 text[] districts, $4 text[] domains
UPDATE account_user SET role = $2, districts = $3, domains = $4 WHERE account_id = $1;

-- account_able --
-- $1 account_id, $2 bool whether it may sign in
UPDATE account_user SET disabled_at = CASE WHEN NOT $2 THEN now() END WHERE account_id = $1;

-- password_set --
-- $1 account_id, $2 password_hash, $3 must_change
UPDATE account_user SET password_hash = $2, must_change = $3 WHERE account_id = $1;

-- account_by_subject --
-- $1 issuer, $2 subject
SELECT * FROM account_user WHERE issuer = $1 AND subject = $2;

-- account_unchanged --
-- $1 account_id, $2 password_hash: true while the account may sign in with the password that was judged; held until the
-- end of the transaction, so that a reset ends the session that begins in it.
SELECT true FROM account_user
 WHERE account_id = $1 AND password_hash = $2 AND disabled_at IS NULL
   FOR NO KEY UPDATE;

-- session_add --
-- $1 token_hash, $2 account_id, $3 interval lifetime. Ended ones of everybody go in the same breath.
WITH gone AS (DELETE FROM session WHERE expires_at < now())
INSERT INTO session (token_hash, account_id, expires_at) VALUES ($1, $2, now() + $3::interval);

-- session_read --
-- $1 token_hash, $2 interval without a person's doing after which it has ended, $3 bool whether a person does this.
-- When they were there is written once in a while only: a page is many requests.
WITH held AS (
    SELECT a.account_id, a.name, a.role, a.districts, a.domains, a.must_change, s.expires_at
      FROM session AS s JOIN account_user AS a USING (account_id)
     WHERE s.token_hash = $1 AND s.expires_at > now() AND s.seen_at > now() - $2::interval AND a.disabled_at IS NULL
), seen AS (
    UPDATE session SET seen_at = now()
     WHERE $3 AND token_hash = $1 AND EXISTS (SELECT FROM held)
       AND seen_at < now() - least($2::interval / 4, interval '1 min'))
SELECT * FROM held;

-- session_end --
-- $1 token_hash
DELETE FROM session WHERE token_hash = $1;

-- sessions_end --
-- $1 account_id
DELETE FROM session WHERE account_id = $1;

-- key_add --
-- $1 key_id, $2 secret_hash, $3 account_id, $4 label, $5 role, $6 text[] districts, $7 text[] domains, $8 lifetime
INSERT INTO api_key (key_id, secret_hash, account_id, label, role, districts, domains, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now() + $8::interval)
RETURNING expires_at;

-- key_read --
-- $1 key_id: a key that is still good, with its owner's role and limits.
SELECT k.secret_hash, k.label, k.role, k.districts, k.domains, a.account_id, a.name, a.role AS owner_role,
       a.districts AS owner_districts, a.domains AS owner_domains
  FROM api_key AS k JOIN account_user AS a USING (account_id)
 WHERE k.key_id = $1 AND k.revoked_at IS NULL AND k.expires_at > now() AND a.disabled_at IS NULL
   AND NOT a.must_change;

-- key_revoke --
-- $1 key_id: returns the owner's name, nothing if there is no such key in use.
UPDATE api_key AS k SET revoked_at = now()
  FROM account_user AS a
 WHERE k.key_id = $1 AND k.revoked_at IS NULL AND a.account_id = k.account_id
RETURNING a.name;

-- own_keys --
-- $1 account_id: its keys that were not revoked.
SELECT k.key_id, a.name, k.label, k.role, k.districts, k.domains, k.expires_at
  FROM api_key AS k JOIN account_user AS a USING (account_id)
 WHERE k.account_id = $1 AND k.revoked_at IS NULL
 ORDER BY k.created_at;

-- keys --
-- Keys that were not revoked, by owner.
SELECT k.key_id, a.name, k.label, k.role, k.districts, k.domains, k.expires_at
  FROM api_key AS k JOIN account_user AS a USING (account_id)
 WHERE k.revoked_at IS NULL
 ORDER BY a.name, k.created_at;

-- attempt --
-- $1 key, $2 int failures that cost nothing, $3 int longest wait in seconds. Counts an attempt as failed, before it is
-- judged, so that many at once count as many; returns nothing while the key must wait. After a day all is forgotten,
-- the others' in the same breath.
WITH gone AS (
    DELETE FROM sign_in_failure
     WHERE key IN (SELECT key FROM sign_in_failure
                    WHERE last_at < clock_timestamp() - interval '1 day' AND key <> $1
                      FOR UPDATE SKIP LOCKED))
INSERT INTO sign_in_failure AS f (key, failures, last_at) VALUES ($1, 1, clock_timestamp())
    ON CONFLICT (key) DO UPDATE
   SET failures = CASE WHEN f.last_at < clock_timestamp() - interval '1 day' THEN 1 ELSE f.failures + 1 END,
       last_at = clock_timestamp()
 WHERE f.failures < $2
    OR f.last_at + make_interval(secs => least($3, power(2, least(30, f.failures - $2)))) <= clock_timestamp()
RETURNING failures;

-- attempt_wait --
-- $1 key, $2 int failures that cost nothing, $3 int longest wait: seconds until the next attempt is judged.
SELECT ceil(extract(epoch FROM
       last_at + make_interval(secs => least($3, power(2, least(30, failures - $2)))) - clock_timestamp()))::int
  FROM sign_in_failure
 WHERE key = $1;

-- attempt_good --
-- $1 key: the attempt was right, so nothing is held against it.
DELETE FROM sign_in_failure WHERE key = $1;

-- attempt_taken_back --
-- $1 key: one attempt was right, and counts no longer.
UPDATE sign_in_failure SET failures = failures - 1 WHERE key = $1 AND failures > 0;

-- flow_add --
-- $1 state_hash, $2 nonce, $3 verifier, $4 next, $5 lifetime
WITH gone AS (DELETE FROM sign_in_flow WHERE expires_at < now())
INSERT INTO sign_in_flow (state_hash, nonce, verifier, next, expires_at) VALUES ($1, $2, $3, $4, now() + $5::interval);

-- flow_take --
-- $1 state_hash: each is good for one answer.
DELETE FROM sign_in_flow WHERE state_hash = $1 AND expires_at > now() RETURNING nonce, verifier, next;

-- request_claim --
-- $1 caller, $2 key, $3 fingerprint: true for the first that comes with this key. Old ones go in the same breath.
WITH gone AS (DELETE FROM answered_request WHERE at < now() - interval '1 day')
INSERT INTO answered_request (caller, key, fingerprint) VALUES ($1, $2, $3)
    ON CONFLICT DO NOTHING
RETURNING true;

-- request_answer --
-- $1 caller, $2 key
SELECT fingerprint, status, media_type, body FROM answered_request WHERE caller = $1 AND key = $2;

-- request_done --
-- $1 caller, $2 key, $3 status, $4 media_type, $5 body
UPDATE answered_request SET status = $3, media_type = $4, body = $5 WHERE caller = $1 AND key = $2;

-- request_drop --
-- $1 caller, $2 key: it has come to nothing, and may be tried again.
DELETE FROM answered_request WHERE caller = $1 AND key = $2 AND status IS NULL;
